import { describe, expect, it } from "vitest";
import { bylineOf, marksOf, provenanceInWords } from "../../src/ask/provenance";
import type { AttemptResult } from "../../src/generated/messages";
import { manner } from "./support/status";

const USAGE = {
  input_tokens: 1200,
  output_tokens: 34,
  cached_input_tokens: 0,
  cache_write_tokens: 0,
  estimated: false,
};

function attempt(provider: string, outcome: AttemptResult["outcome"], reason: string | null): AttemptResult {
  return { provider, backend: "cloud", model: null, outcome, reason, elapsed_ms: 1, retry_after_seconds: null };
}

const ANSWER = {
  provider: "openai",
  model: "gpt-4o-mini",
  cached: false,
  stale: false,
  age_seconds: null,
  elapsed_ms: 340,
  usage: USAGE,
  cost_usd: null,
  attempts: [attempt("openai", "answered", null)],
};

describe("how an answer came about", () => {
  it("is told with names for a person, and with who was passed over and why", () => {
    const attempts = [
      { ...attempt("copilot", "failed", "rate_limit"), retry_after_seconds: 1800 },
      attempt("anthropic", "skipped", "not_configured"),
      attempt("gemini", "skipped", "private"),
      attempt("editor", "cancelled", null),
      ...ANSWER.attempts,
    ];
    expect(provenanceInWords({ ...ANSWER, attempts }, manner).split(" · ")).toEqual([
      "OpenAI",
      "gpt-4o-mini",
      "0.3 s",
      "1,200 + 34 tokens",
      "Copilot wanted no more requests for now; asked again from 14:30",
      "Copilot in VS Code was cancelled",
    ]);
  });

  it("is told without the model where nobody knows it", () => {
    expect(provenanceInWords({ ...ANSWER, provider: "my-own", model: null }, manner)).toBe(
      "my-own · 0.3 s · 1,200 + 34 tokens",
    );
  });

  it.each([
    [0.0123, "1,200 + 34 tokens ($0.012)"],
    [0.00001, "1,200 + 34 tokens (<$0.0001)"],
    [0, "1,200 + 34 tokens"],
    [null, "1,200 + 34 tokens"],
  ])("has its cost, if there is one: %d", (cost_usd, words) => {
    expect(bylineOf({ ...ANSWER, cost_usd }, manner)).toBe(`OpenAI · gpt-4o-mini · 0.3 s · ${words}`);
  });

  it("says that tokens were only estimated", () => {
    expect(bylineOf({ ...ANSWER, usage: { ...USAGE, estimated: true } }, manner)).toContain("about 1,200 + 34 tokens");
  });

  it("is told as one writes figures where the person is", () => {
    const german = bylineOf({ ...ANSWER, cost_usd: 0.0123 }, { ...manner, locale: "de" });
    expect(german.replaceAll("\u00a0", " ")).toBe("OpenAI · gpt-4o-mini · 0,3 s · 1.200 + 34 tokens (0,012 $)");
  });

  it("says once that it was given before, and how long ago", () => {
    const cached = { ...ANSWER, cached: true, age_seconds: 190, elapsed_ms: 2 };
    expect(marksOf(cached, manner)).toEqual(["From the cache, 3 min old"]);
    expect(bylineOf(cached, manner)).toBe("OpenAI · gpt-4o-mini · 2 ms · 1,200 + 34 tokens");
    expect(provenanceInWords(cached, manner)).toBe(
      "OpenAI · gpt-4o-mini · From the cache, 3 min old · 2 ms · 1,200 + 34 tokens",
    );
  });

  it("says that it is old, because nobody could give a new one", () => {
    const stale = { ...ANSWER, cached: true, stale: true, age_seconds: 7200, elapsed_ms: 2 };
    expect(marksOf(stale, manner)).toEqual(["Old answer, from 2 h ago"]);
    expect(bylineOf(stale, manner)).toBe(
      "OpenAI · gpt-4o-mini · nobody could give a new one · 2 ms · 1,200 + 34 tokens",
    );
  });
});
