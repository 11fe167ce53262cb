import { describe, expect, it } from "vitest";
import { Conversation, MOST_BEFORE } from "../../src/ask/conversation";
import { asked, stopped, type Turn } from "../../src/ask/turn";
import type { MessageParam } from "../../src/generated/messages";

const user = (content: string): MessageParam => ({ role: "user", content });

function turn(id: number, prompt: string, text: string, more: Partial<Turn> = {}): Turn {
  const what = { id, question: "?", isPrivate: false, askedAt: 0, about: undefined, region: undefined };
  return { ...stopped(asked({ ...what, prompt: [user(prompt)], paths: [`file:///${id}`] })), text, ...more };
}

function conversation(...turns: Turn[]): Conversation {
  const found = new Conversation();
  for (const each of turns) found.put(each);
  return found;
}

const idsTold = (of: Conversation, last: Turn) => of.pathsFor(last).map((path) => path.slice("file:///".length));

describe("a long conversation", () => {
  const quarter = MOST_BEFORE / 4;

  it("is told from its newest turns, each whole, for which there is room", () => {
    const last = turn(6, "now", "");
    const turns = [1, 2, 3, 4, 5].map((id) => turn(id, "a".repeat(quarter - 10), "b".repeat(10)));
    const long = conversation(...turns, last);
    expect(idsTold(long, last)).toEqual(["2", "3", "4", "5", "6"]);
    expect(long.messagesFor(last).map(({ content }) => content?.length)).toEqual([
      ...[quarter - 10, 10, quarter - 10, 10, quarter - 10, 10, quarter - 10, 10],
      3,
    ]);
    expect(long.leftOutBefore(last)).toBe(1);
  });

  it("leaves out all that is older than a turn that there is no room for", () => {
    const last = turn(4, "now", "");
    const long = conversation(
      turn(1, "short", "short"),
      turn(2, "a".repeat(MOST_BEFORE), "b"),
      turn(3, "c", "d"),
      last,
    );
    expect(idsTold(long, last)).toEqual(["3", "4"]);
    expect(long.leftOutBefore(last)).toBe(2);
  });

  it("is told its last turn however long that was", () => {
    const last = turn(2, "now", "");
    const long = conversation(turn(1, "a".repeat(MOST_BEFORE + 1), "b"), last);
    expect(idsTold(long, last)).toEqual(["1", "2"]);
    expect(long.leftOutBefore(last)).toBe(0);
  });

  it("is told whole while it is short, and counts nothing that was private or never answered", () => {
    const last = turn(4, "now", "");
    const secret = turn(1, "a".repeat(MOST_BEFORE), "b", { isPrivate: true });
    const short = conversation(secret, turn(2, "failed", ""), turn(3, "c", "d"), last);
    expect(idsTold(short, last)).toEqual(["3", "4"]);
    expect(short.leftOutBefore(last)).toBe(0);
    expect(conversation(last).messagesFor(last)).toEqual([user("now")]);
  });

  it("of a hundred turns is sent within the bound", () => {
    const last = turn(101, "now", "");
    const turns = Array.from({ length: 100 }, (_, at) => turn(at + 1, "a".repeat(2000), "b".repeat(1000)));
    const told = conversation(...turns, last).messagesFor(last);
    expect(told.reduce((sum, { content }) => sum + (content?.length ?? 0), 0)).toBeLessThanOrEqual(MOST_BEFORE + 3);
    expect(told.length).toBe(2 * Math.floor(MOST_BEFORE / 3000) + 1);
  });
});
