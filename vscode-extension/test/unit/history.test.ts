import { describe, expect, it } from "vitest";
import type { ChatContext } from "vscode";
import { type Metadata, messagesIn, pathsIn, sentOf, toldBefore } from "../../src/models/history";

type Turn = ChatContext["history"][number];

const question = (prompt: string, command?: string) => ({ prompt, command }) as Turn;
const answer = (metadata?: Metadata, command?: string) => ({ result: { metadata }, command }) as Turn;

const OPENED = answer({ answer: "opened", paths: ["file:///a", "file:///b"], isPrivate: false });
const HISTORY: readonly Turn[] = [
  question("open"),
  OPENED,
  question("my secret", "private"),
  answer({ answer: "your secret", paths: ["file:///secret"], isPrivate: true }, "private"),
  question("private by the setting"),
  answer({ answer: "kept here", isPrivate: true }),
  question("", "health"),
  answer(undefined, "health"),
  question("unanswered"),
  answer(),
];
const OPEN = [
  { role: "user", content: "open" },
  { role: "assistant", content: "opened" },
];

describe("what was said before", () => {
  it("is told with its files, but for what asked of the gateway, what nobody answered, and what was private", () => {
    const told = toldBefore(HISTORY, false);
    expect(messagesIn(told)).toEqual(OPEN);
    expect(pathsIn(told)).toEqual(["file:///a", "file:///b"]);
  });

  it("is told whole with a question that is private itself", () => {
    const told = toldBefore(HISTORY, true);
    expect(messagesIn(told)).toEqual([
      ...OPEN,
      { role: "user", content: "my secret" },
      { role: "assistant", content: "your secret" },
      { role: "user", content: "private by the setting" },
      { role: "assistant", content: "kept here" },
    ]);
    expect(pathsIn(told)).toEqual(["file:///a", "file:///b", "file:///secret"]);
  });

  it("was private by its command, where it was said to a version that kept no more", () => {
    const before = [question("my secret", "private"), answer({ answer: "your secret" }, "private")];
    expect(toldBefore(before, false)).toEqual([]);
    expect(toldBefore(before, true)).toEqual(before);
  });

  it("is told without a question that has no answer at all", () => {
    expect(toldBefore([question("stopped"), question("open"), OPENED], false)).toEqual([question("open"), OPENED]);
  });
});

it("files that were left out count as not told", () => {
  const context = [
    { text: "1", uri: "file:///p/a.py", path: "a.py" },
    { text: "2", uri: "file:///p/.env", path: ".env" },
    { text: "3", uri: "file:///k.pem" },
    { text: "4" },
  ];
  const leftOut = [".env", "file:///k.pem"].map((path) => ({ path, reason: "it is kept out" }));
  expect(sentOf(context, leftOut)).toEqual(["file:///p/a.py"]);
});
