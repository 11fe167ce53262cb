import { expect, test } from "vitest";
import { isPage } from "../../src/server/pagePaths";
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

test("pages of the server are told from other files, and drafts are not pages", () => {
  expect(isPage("/home/me/.cache/ai-gateway/answers/shop.py-x1.md")).toBe(true);
  expect(isPage("/Users/me/Library/Caches/ai-gateway/answers/last-answer-x1.md")).toBe(true);
  expect(isPage("C:\\Users\\me\\AppData\\Local\\ai-gateway\\Cache\\answers\\ask-x1.md")).toBe(true);
  expect(isPage("/tmp/ai-gateway-answers-abc/ask-x1.md")).toBe(true);
  expect(isPage("/home/me/.cache/ai-gateway/answers/pull-request-x1.md")).toBe(false);
  expect(isPage("/work/answers/README.md")).toBe(false);
});
