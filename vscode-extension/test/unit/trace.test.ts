import { expect, test } from "vitest";
import type { MessageReader, MessageWriter } from "vscode-languageserver-protocol/node";
import { Redactor } from "../../src/server/redact";
import { type TraceLevel, titleOf, traced } from "../../src/server/trace";

const REQUEST = { jsonrpc: "2.0", id: 7, method: "ai/query", params: { prompt: "hello", api_key: "sk-secret" } };

async function lines(level: TraceLevel): Promise<string[]> {
  const written: string[] = [];
  const redactor = new Redactor();
  redactor.learn(REQUEST.params);
  const reader = { listen: (callback: (message: object) => void) => callback({ jsonrpc: "2.0", id: 7, result: 1 }) };
  const writer = { write: async () => undefined };
  const transports = { reader: reader as unknown as MessageReader, writer: writer as unknown as MessageWriter };
  const both = traced(transports, { level, redactor, write: (line) => written.push(line) });
  await both.writer.write(REQUEST);
  both.reader.listen(() => undefined);
  return written;
}

test("nothing, names, or everything but credentials is written down", async () => {
  expect(await lines("off")).toEqual([]);
  expect(await lines("messages")).toEqual(["→ ai/query (7)", "← result (7)"]);
  const [request] = await lines("verbose");
  expect(request).toContain("hello");
  expect(request).not.toContain("sk-secret");
});

test("an error is told by its code", () => {
  expect(titleOf({ id: 1, error: { code: -32050, message: "no" } })).toBe("error -32050 (1)");
  expect(titleOf({ method: "ai/status" })).toBe("ai/status");
});
