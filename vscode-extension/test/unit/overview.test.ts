import { describe, expect, it } from "vitest";
import { awayOf, overviewOf } from "../../src/dashboard/overview";
import type { DrillResult, HealthSummary } from "../../src/generated/messages";
import { drillPage } from "../../src/status/drillPage";
import { faults } from "../../src/status/faults";
import { menuOf } from "../../src/status/menu";
import type { Past } from "../../src/webview/dashboard/messages";
import { l10n, manner, NOW, open, provider, summary } from "./support/status";

const overview = (pushed: HealthSummary) => overviewOf({ summary: pushed, at: NOW }, false, undefined, manner);
const cardOf = (given: ReturnType<typeof provider>) => overview(summary([given])).cards[0];
const offersOf = (given: ReturnType<typeof provider>) => cardOf(given)?.offers.map(({ command }) => command);

/** A day on which one provider answered, and failed once. */
function pastOf(provider: string, queries: number): Past {
  const used = { input_tokens: 0, output_tokens: 0, cost_usd: null, failures: 1 };
  const day = { date: "2026-11-20", provider, backend: "cloud", model: null, queries, ...used } as const;
  return { history: { queries: [], transitions: [], states: [], cache: [], days: [day] }, metrics: { providers: {} } };
}

describe("the dashboard's overview", () => {
  it("has a card for each provider in the order of asking, and marks who would answer", () => {
    const { cards, headline } = overview(
      summary([open("copilot", "rate", 300), provider("openai"), provider("ollama")]),
    );
    expect(cards.map(({ name, word, isAnswerer }) => [name, word, isAnswerer])).toEqual([
      ["Copilot", "limited until 14:05", false],
      ["OpenAI", "ready", true],
      ["Ollama", "ready", false],
    ]);
    expect(headline).toBe("OpenAI would answer now");
  });

  it("offers for each what helps there", () => {
    expect(offersOf(provider("copilot", { reason: "not_configured" }))).toEqual(["aiGateway.signIn"]);
    expect(offersOf(provider("openai", { reason: "not_configured" }))).toEqual(["aiGateway.setKey"]);
    expect(offersOf(open("openai", "auth"))).toEqual(["aiGateway.reset", "aiGateway.setKey", "aiGateway.forceTier"]);
    expect(offersOf(provider("ollama"))).toEqual(["aiGateway.forceTier"]);
  });

  it("has a card for an editor that lends nothing only where it has answered before", () => {
    const pushed = summary([provider("editor", { reason: "not_configured" }), provider("ollama")]);
    const providersAfter = (queries: number) =>
      overviewOf({ summary: pushed, at: NOW }, false, pastOf("editor", queries), manner).cards.map(
        (card) => card.provider,
      );
    expect(overview(pushed).cards.map((card) => card.provider)).toEqual(["ollama"]);
    expect(providersAfter(0)).toEqual(["ollama"]);
    expect(providersAfter(1)).toEqual(["editor", "ollama"]);
  });

  it("says what to do where only the person can, and why elsewhere", () => {
    expect(cardOf(open("openai", "auth"))?.detail).toBe("what to do about openai");
    expect(cardOf(open("openai", "outage"))?.detail).toBe("has an outage");
    expect(cardOf(provider("openai", { is_emergency: true }))?.detail).toBe("asked only in emergencies");
  });

  it.each([
    [null, null, null],
    [0, null, null],
    [0.1234, null, "$0.12"],
    [0.00001, null, "<$0.0001"],
    [0, 2.5, "$0.00 of $2.50"],
  ])("says of %s USD of %s: %s", (spent_today_usd, daily_cap_usd, words) => {
    expect(overview(summary([], { spent_today_usd, daily_cap_usd })).spentToday).toBe(words);
  });

  it("has names also for those that are asked no more", () => {
    const { names } = overviewOf({ summary: summary([]), at: NOW }, false, pastOf("gemini", 1), manner);
    expect(names).toEqual({ gemini: "Gemini" });
  });

  it("says why there is nothing to show, and offers what helps", () => {
    const away = awayOf({ kind: "crashed", reason: "it ended 5 times" }, NOW, manner);
    expect(away).toMatchObject({ title: "The server crashed", detail: "it ended 5 times", isStarting: false });
    expect(away.offers[0]?.command).toBe("aiGateway.restart");
    expect(awayOf({ kind: "starting" }, NOW, manner)).toMatchObject({ detail: "Since 14:00:00", isStarting: true });
  });
});

describe("the menu", () => {
  const running = { kind: "running", version: "0.1.0", simulated: false } as const;
  const commands = (pushed: HealthSummary | undefined, server: Parameters<typeof menuOf>[0]["server"] = running) =>
    menuOf({ server, since: NOW, received: pushed && { summary: pushed, at: NOW } }, manner).flatMap(({ entries }) =>
      entries.map(({ command, given = [] }) => [command, ...given].join(" ")),
    );

  it("begins with asking where all is well", () => {
    expect(commands(summary([provider("copilot")]))[0]).toBe("aiGateway.ask");
  });

  it("begins with what needs attention", () => {
    const pushed = summary([
      provider("copilot", { reason: "not_configured" }),
      open("openai", "auth"),
      provider("ollama"),
    ]);
    expect(commands(pushed).slice(0, 3)).toEqual(["aiGateway.signIn", "aiGateway.reset openai", "aiGateway.ask"]);
    expect(commands(pushed, { ...running, simulated: true })[0]).toBe("aiGateway.endSimulation");
  });

  it("offers a server that does not run nothing but what helps it", () => {
    const crashed = commands(undefined, { kind: "crashed", reason: "" });
    expect(crashed).toEqual(["aiGateway.restart", "aiGateway.showLog", "aiGateway.openSettings"]);
  });
});

describe("the report of a rehearsed outage", () => {
  const attempt = (name: string, outcome: "failed" | "answered" | "skipped", reason: string | null) => ({
    provider: name,
    backend: "cloud" as const,
    model: null,
    outcome,
    reason,
    elapsed_ms: 10,
    retry_after_seconds: null,
  });
  const question = {
    asked_after_seconds: 0.2,
    outcome: "answered" as const,
    elapsed_ms: 340,
    provider: "openai",
    backend: "cloud" as const,
    model: "gpt|4o",
    attempts: [
      attempt("editor", "skipped", "not_configured"),
      attempt("copilot", "failed", "overloaded"),
      attempt("openai", "answered", null),
    ],
    was_retracted: true,
    hint: null,
  };
  const drill: DrillResult = {
    provider: "copilot",
    fault: "overloaded",
    seconds: 30,
    lasted_seconds: 30,
    ending: "in_time",
    all_answered: true,
    verdict: "Every question was answered.",
    questions: [question, { ...question, outcome: "unfinished", elapsed_ms: 2000 }],
    breaker: [{ after_seconds: 0.3, before: "closed", after: "half_open", reason: "outage", reopens_in_seconds: 30 }],
    recovery: question,
    advice: ["Set a <key>."],
  };

  it("has the verdict, the advice, every question and what its circuit did", () => {
    expect(drillPage(drill, manner).split("\n")).toEqual([
      "# A rehearsed outage of Copilot",
      "",
      "**Every question was answered.**",
      "",
      "## What could be better",
      "",
      "- Set a &lt;key\\>.",
      "",
      "## Questions",
      "",
      "| asked at | answered by | after | on the way |",
      "| --- | --- | --- | --- |",
      "| 0.2 s | OpenAI · gpt\\|4o | 0.3 s | Copilot was overloaded; text was taken back |",
      "| 0.2 s | – | 2 s | still waiting when the rehearsal ended |",
      "| afterwards | OpenAI · gpt\\|4o | 0.3 s | Copilot was overloaded; text was taken back |",
      "",
      "## Its circuit",
      "",
      "- `0.3 s` closed → half-open: has an outage",
    ]);
  });

  it("can be of every fault, each in its own words", () => {
    const words = Object.values(faults(l10n));
    expect(new Set(words).size).toBe(words.length);
  });
});
