import { expect, test } from "vitest";
import { parseLine } from "../../src/server/stderr";

test("a line of the server's keeps its level, and loses what the log says anyway", () => {
  expect(parseLine("12:00:01 WARNING ai_gateway.lsp.run: too late")).toEqual({
    level: "warn",
    text: "ai_gateway.lsp.run: too late",
  });
  expect(parseLine("12:00:01 INFO    ai_gateway: up").level).toBe("info");
  expect(parseLine("12:00:01 CRITICAL ai_gateway.logs: this ends the process").level).toBe("error");
});

test("what Python itself says is a warning, as it stands", () => {
  expect(parseLine("Python 3.10: 3.11 or newer is needed")).toEqual({
    level: "warn",
    text: "Python 3.10: 3.11 or newer is needed",
  });
});
