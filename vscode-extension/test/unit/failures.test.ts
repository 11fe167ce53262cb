import { expect, test } from "vitest";
import { failureOf } from "../../src/models/failures";

const named = (name: string, given: { code?: string; cause?: unknown } = {}) =>
  Object.assign(new Error("said: my secret prompt", { cause: given.cause }), { name, ...given });

test.each([
  [named("LanguageModelError", { code: "NoPermissions" }), "auth"],
  [named("LanguageModelError", { code: "Blocked" }), "rate_limit"],
  [named("LanguageModelError", { code: "NotFound" }), "model_not_found"],
  [named("ChatRateLimited"), "rate_limit"],
  [named("ChatQuotaExceeded", { code: "" }), "quota"],
  [named("LanguageModelError", { code: "Unknown", cause: named("ChatQuotaExceeded") }), "quota"],
  [named("Error"), "server"],
  ["a text", "server"],
  [undefined, "server"],
] as const)("%s is %s", (error, kind) => {
  const failure = failureOf(error);
  expect(failure.kind).toBe(kind);
  expect(failure.message).not.toContain("secret");
});

test("errors that cause each other come to an end", () => {
  const error = named("Error");
  error.cause = error;
  expect(failureOf(error).kind).toBe("server");
});
