import { expect, it } from "vitest";
import { isStatus } from "../../src/server/statusForm";
import { provider, summary } from "./support/status";

it("what another version of the server tells is taken only if it can be shown", () => {
  expect(isStatus(summary([provider("copilot")]))).toBe(true);
  for (const said of [null, "down", [], {}, { ...summary([]), providers: {} }, { ...summary([]), providers: [null] }]) {
    expect(isStatus(said)).toBe(false);
  }
});
