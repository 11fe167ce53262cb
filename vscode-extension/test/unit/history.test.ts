import { describe, expect, it } from "vitest";
import type { ChatContext } from "vscode";
import { type Metadata, messagesIn, pathsIn, sentOf, toldBefore } from "../../src/models/history";

type Turn = ChatContext["history"][number];

const question = (prompt: string, command?: string) => ({ prompt, command }) as Turn;
const answer = (metadata?: Metadata, command?: string) => ({ result: { metadata }, command }) as Turn;

const HISTORY: readonly Turn[] = [
  question("open"),
  answer({ answer: "opened", paths: ["file:///a", "file:///b"] }),
  question("my secret", "private"),
  answer({ answer: "your secret", paths: ["file:///secret"] }, "private"),
  question("", "health"),
  answer(undefined, "health"),
  question("unanswered"),
  answer(),
];
const OPEN = [
  { role: "user", content: "open" },
  { role: "assistant", content: "opened" },
  { role: "user", content: "unanswered" },
];

describe("what was said before", () => {
  it("is told with its files, but for what asked of the gateway, and what was private", () => {
    const told = toldBefore(HISTORY, false);
    expect(messagesIn(told)).toEqual(OPEN);
    expect(pathsIn(told)).toEqual(["file:///a", "file:///b"]);
  });

  it("is told whole with a question that is private itself", () => {
    const told = toldBefore(HISTORY, true);
    expect(messagesIn(told)).toContainEqual({ role: "assistant", content: "your secret" });
    expect(pathsIn(told)).toEqual(["file:///a", "file:///b", "file:///secret"]);
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
