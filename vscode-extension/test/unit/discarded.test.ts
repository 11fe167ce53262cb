import { describe, expect, it } from "vitest";
import { isDiscarded } from "../../src/server/discarded";

const uri = "file:///shop.py";
const open = (version: number) => (asked: string) => (asked === uri ? version : undefined);
const edit = (needsConfirmation: boolean, version: number | null = 3) => ({
  documentChanges: [{ textDocument: { uri, version }, edits: [] }],
  changeAnnotations: { ours: { label: "Improve", needsConfirmation } },
});

describe("an edit that was not made", () => {
  it("was discarded if it was shown and could have been made", () => {
    expect(isDiscarded(edit(true), open(3))).toBe(true);
  });

  it("of a new file has no version to be out of date", () => {
    expect(isDiscarded(edit(true, null), open(3))).toBe(true);
  });

  it("was not discarded if its document has changed or was closed meanwhile", () => {
    expect(isDiscarded(edit(true), open(4))).toBe(false);
    expect(isDiscarded(edit(true), () => undefined)).toBe(false);
  });

  it("was not discarded if nobody was asked", () => {
    expect(isDiscarded(edit(false), open(3))).toBe(false);
    expect(isDiscarded({ changes: { [uri]: [] } }, open(3))).toBe(false);
  });
});
