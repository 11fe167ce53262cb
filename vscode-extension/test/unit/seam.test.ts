import { describe, expect, test } from "vitest";
import { closingOf, SeamedStream } from "../../src/models/seam";

function stream() {
  const written: string[] = [];
  const started: string[] = [];
  const seamed = new SeamedStream(
    (text) => written.push(text),
    (from, to) => `${from.provider} → ${to.provider}`,
    (by) => started.push(by.provider),
  );
  return { seamed, text: () => written.join(""), started };
}

const copilot = { kind: "started", provider: "copilot", model: "gpt-4o" } as const;
const ollama = { kind: "started", provider: "local", model: null } as const;

describe("a stream that can't be taken back", () => {
  test("is the answer itself while nobody breaks off", () => {
    const { seamed, text, started } = stream();
    seamed.started(copilot);
    seamed.delta({ text: "One " });
    seamed.delta({ text: "two" });
    seamed.finish({ ...copilot, response: "One two" });
    expect(text()).toBe("One two");
    expect(started).toEqual(["copilot"]);
  });

  test("says where a tier broke off, and who starts over", () => {
    const { seamed, text } = stream();
    seamed.started(copilot);
    seamed.delta({ text: "One t" });
    seamed.reset();
    seamed.started(ollama);
    seamed.delta({ text: "One two" });
    seamed.finish({ ...ollama, response: "One two" });
    expect(text()).toBe("One t\n\n---\n\n*copilot → local*\n\nOne two");
  });

  test("has no seam where nothing had been shown", () => {
    const { seamed, text } = stream();
    seamed.started(copilot);
    seamed.reset();
    seamed.started(ollama);
    seamed.finish({ ...ollama, response: "One two" });
    expect(text()).toBe("One two");
  });

  test("has one seam where an answer from the cache takes the place of half an answer", () => {
    const { seamed, text } = stream();
    seamed.started(copilot);
    seamed.delta({ text: "One t" });
    seamed.reset();
    seamed.finish({ ...ollama, response: "One two" });
    expect(text()).toBe("One t\n\n---\n\n*copilot → local*\n\nOne two");
  });

  test("closes the code that a tier left open, so that the seam is no code", () => {
    const { seamed, text } = stream();
    seamed.started(copilot);
    seamed.delta({ text: "```py\nx = " });
    seamed.reset();
    seamed.started(ollama);
    expect(text()).toBe("```py\nx = \n```\n\n---\n\n*copilot → local*\n\n");
  });
});

test.each([
  ["plain", ""],
  ["```\na\n```", ""],
  ["~~~~\n```\n", "\n~~~~"],
  ["````md\n```\ninner", "\n````"],
  ["```\na\n```\n\n```ts", "\n```"],
])("what closes %j is %j", (markdown, closing) => {
  expect(closingOf(markdown)).toBe(closing);
});
