import { describe, expect, test } from "vitest";
import type { EditorMessage } from "../../src/generated/messages";
import { HasPicture, inputOf, messagesOf, type Parts, toolsOf, turnsOf, wireTools } from "../../src/models/convert";

/** VS Code's classes as its documentation has them. */
class Text {
  constructor(readonly value: string) {}
}
class Call {
  constructor(
    readonly callId: string,
    readonly name: string,
    readonly input: object,
  ) {}
}
class Result {
  constructor(
    readonly callId: string,
    readonly content: unknown[],
  ) {}
}
class Data {
  constructor(
    readonly data: Uint8Array,
    readonly mimeType: string,
  ) {}
}
class Message {
  constructor(
    readonly role: number,
    readonly content: unknown[],
  ) {}
  static User(content: unknown[]) {
    return new Message(1, content);
  }
  static Assistant(content: unknown[]) {
    return new Message(2, content);
  }
}
const classes = {
  LanguageModelTextPart: Text,
  LanguageModelToolCallPart: Call,
  LanguageModelToolResultPart: Result,
  LanguageModelDataPart: Data,
  LanguageModelChatMessage: Message,
} as unknown as Parts & Parameters<typeof messagesOf>[1];
const user = (...content: unknown[]) => ({ role: 1, content, name: undefined });
const assistant = (...content: unknown[]) => ({ role: 2, content, name: undefined });
const bytes = (text: string) => new TextEncoder().encode(text);

describe("a conversation of VS Code, for the server", () => {
  test("keeps who said what", () => {
    expect(
      turnsOf([user(new Text("Hi")), assistant(new Text("Hello")), user(new Text("a"), new Text("b"))], classes),
    ).toEqual([
      { role: "user", content: "Hi" },
      { role: "assistant", content: "Hello" },
      { role: "user", content: "ab" },
    ]);
  });

  test("has a tool's result as a turn of its own, before what the person adds", () => {
    const call = new Call("1", "read", { path: "a.py" });
    expect(turnsOf([assistant(call), user(new Result("1", [new Text("x = 1")]), new Text("and?"))], classes)).toEqual([
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "1", type: "function", function: { name: "read", arguments: '{"path":"a.py"}' } }],
      },
      { role: "tool", tool_call_id: "1", content: "x = 1" },
      { role: "user", content: "and?" },
    ]);
  });

  test("takes texts that come as data, and leaves out marks that only their own provider knows", () => {
    const parts = [new Data(bytes('{"a":1}'), "application/json"), new Data(bytes("ephemeral"), "cache_control")];
    expect(turnsOf([user(...parts)], classes)).toEqual([{ role: "user", content: '{"a":1}' }]);
  });

  test("leaves out turns without text", () => {
    expect(turnsOf([user(), assistant({ value: "a thought", id: "t" })], classes)).toEqual([]);
  });

  test("can't have pictures", () => {
    expect(() => turnsOf([user(new Data(bytes("…"), "image/png"))], classes)).toThrow(HasPicture);
  });
});

describe("a conversation of the server, for VS Code", () => {
  test("gives what the system says to the user, as VS Code's models know no other place", () => {
    const messages = messagesOf([{ role: "system", content: "Be brief." }], classes);
    expect(messages).toEqual([new Message(1, [new Text("Be brief.")])]);
  });

  test("comes back as it went", () => {
    const turns = turnsOf(
      [
        user(new Text("Hi")),
        assistant(new Text("…"), new Call("1", "read", { n: 2 })),
        user(new Result("1", [new Text("x")])),
      ],
      classes,
    );
    expect(turnsOf(messagesOf(turns as unknown as EditorMessage[], classes) as never, classes)).toEqual(turns);
  });
});

test.each([
  ['{"a":1}', { a: 1 }],
  ["", {}],
  ["null", {}],
  ['{"a":', {}],
])("the arguments %j are %j", (given, input) => {
  expect(inputOf(given)).toEqual(input);
});

test("tools go there and back; one without a schema takes nothing", () => {
  const read = { name: "read", description: "Reads", inputSchema: { type: "object", properties: { path: {} } } };
  const now = { name: "now", description: "" };
  const none = { type: "object", properties: {} };
  expect(toolsOf(wireTools([read, now]))).toEqual([read, { ...now, inputSchema: none }]);
});
