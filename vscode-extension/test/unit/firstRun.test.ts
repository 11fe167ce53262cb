import { describe, expect, it } from "vitest";
import { verdictOn } from "../../src/credentials/checked";
import { ALL_WELL, faultsOf, faultWords, SIMULATED, scenes } from "../../src/firstRun/story";
import type { ProviderHealthResult } from "../../src/generated/messages";
import { l10n, provider } from "./support/status";

const verdict = (name: string, changes: Partial<ProviderHealthResult> = {}) =>
  verdictOn(name, "OpenAI", { providers: [provider("openai", { reachable: true, ...changes })] }, l10n);

describe("the check of a credential", () => {
  it("is good where the provider answers", () => {
    expect(verdict("openai")).toEqual({ level: "good", words: "OpenAI answers, and accepts it." });
  });

  it("says what is wrong, and what to do", () => {
    const { level, words } = verdict("openai", { reachable: false, last_error: "auth: 401", hint: "set a valid key" });
    expect(level).toBe("bad");
    expect(words).toContain("auth: 401; set a valid key");
  });

  it("says so where the provider was not asked, or is no tier at all", () => {
    expect(verdict("openai", { reachable: null, reason: "a key is missing" }).words).toContain("a key is missing");
    expect(verdict("gemini")).toEqual({
      level: "idle",
      words: "Kept, but OpenAI is not asked. Asked are, in this order: openai.",
    });
  });
});

describe("the story of the simulated outage", () => {
  const story = scenes(l10n);

  it("goes from all well over the cloud and this machine back to all well", () => {
    expect(story.map(({ faults: wanted }) => Object.values(wanted).filter((fault) => fault !== null).length)).toEqual([
      0, 1, 2, 0,
    ]);
    expect(story.at(0)?.faults).toEqual(ALL_WELL);
    expect(story.at(-1)).toMatchObject({ faults: ALL_WELL, resets: true });
    expect(new Set(story.map(({ question }) => question)).size).toBe(4);
  });

  it("names faults that the provider knows, and that have words", () => {
    for (const { faults } of story) {
      for (const provider of SIMULATED) {
        const fault = faults[provider];
        if (fault !== null) expect(faultsOf(provider)).toContain(fault);
      }
    }
    expect(Object.keys(faultWords(l10n)).sort()).toEqual([...faultsOf("copilot")].sort());
  });
});
