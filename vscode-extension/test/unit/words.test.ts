import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { HealthSummary } from "../../src/generated/messages";
import type { ServerState } from "../../src/server/gateway";
import { advices } from "../../src/status/advice";
import { LINKED_COMMANDS } from "../../src/status/hover";
import { nameOf } from "../../src/status/names";
import { passedOver, reasons, whyNot } from "../../src/status/reasons";
import { ageInWords, momentToCome, spanInWords } from "../../src/status/times";
import { barWords } from "../../src/status/words";
import { l10n, manner, NOW, open, provider, summary } from "./support/status";

const RUNNING: ServerState = { kind: "running", version: "0.1.0", simulated: false };
const [copilot, openai, ollama] = [provider("copilot"), provider("openai"), provider("ollama")];
const signedOut = provider("copilot", { reason: "not_configured", hint: "sign in" });
const unset = provider("openai", { reason: "not_configured", hint: "set OPENAI_API_KEY" });

const source = (path: string) => readFileSync(resolve(__dirname, "../../../server/ai_gateway", path), "utf8");

function wordsFor(pushed: HealthSummary | undefined, server: ServerState = RUNNING) {
  const received = pushed && { summary: pushed, at: NOW };
  return barWords({ server, since: NOW, received }, manner);
}

/** The lines of the hover, with blanks and hyphens that break. */
function hoverOf(pushed: HealthSummary): string[] {
  return wordsFor(pushed).tooltip.replaceAll("\u00a0", " ").replaceAll("\u2011", "-").split("\n");
}

describe("the status bar", () => {
  it.each<[string, HealthSummary, string, string]>([
    ["all is well", summary([copilot, openai, ollama]), "$(check) Copilot", "Copilot would answer"],
    [
      "the first is limited",
      summary([open("copilot", "rate", 300), openai, ollama]),
      "$(arrow-swap) OpenAI (Copilot limited until 14:05)",
      "OpenAI would answer. Copilot: limited until 14:05",
    ],
    [
      "the first is limited for less than two minutes",
      summary([open("copilot", "rate", 70), openai]),
      "$(arrow-swap) OpenAI (Copilot limited until 14:01:10)",
      "OpenAI would answer. Copilot: limited until 14:01:10",
    ],
    [
      "the first is out of quota for days",
      summary([open("copilot", "quota", 3 * 24 * 3600), openai]),
      "$(arrow-swap) OpenAI (Copilot quota spent until Tue 14:00)",
      "OpenAI would answer. Copilot: quota spent until Tue 14:00",
    ],
    [
      "two are out, and the first of them is named",
      summary([open("copilot", "outage", 600), open("openai", "slow", 600), ollama]),
      "$(arrow-swap) Ollama (Copilot down until 14:10)",
      "Ollama would answer. Copilot: down until 14:10",
    ],
    [
      "who comes after is out, which changes nothing",
      summary([copilot, open("openai", "outage", 600)]),
      "$(check) Copilot",
      "Copilot would answer",
    ],
    [
      "the credential is refused, until somebody does something",
      summary([open("copilot", "auth"), openai]),
      "$(arrow-swap) OpenAI (Copilot credential refused)",
      "OpenAI would answer. Copilot: credential refused",
    ],
    [
      "nobody has signed in, but others can answer",
      summary([signedOut, unset, ollama]),
      "$(key) Ollama (Copilot signed out)",
      "Ollama would answer. Copilot: signed out",
    ],
    [
      "the editor lends nothing, but Copilot answers itself",
      summary([provider("editor", { reason: "not_configured" }), copilot]),
      "$(check) Copilot",
      "Copilot would answer",
    ],
    ["a key that was never set is no failover", summary([unset, ollama]), "$(check) Ollama", "Ollama would answer"],
    [
      "the local model is loading",
      summary([open("copilot", "outage", 600), provider("ollama", { is_loading: true })]),
      "$(loading~spin) llama3 loading (Copilot down until 14:10)",
      "llama3 loading. Copilot: down until 14:10",
    ],
    [
      "only a local model, loading",
      summary([provider("ollama", { is_loading: true })]),
      "$(loading~spin) llama3 loading",
      "llama3 loading",
    ],
    [
      "the open period has ended",
      summary([provider("copilot", { state: "half_open", reason: "outage" }), openai]),
      "$(history) Copilot (to be tried again)",
      "Copilot (to be tried again)",
    ],
    [
      "kept out by hand",
      summary([
        provider("copilot", { state: "open", reason: "forced", forced: "open", retry_after_seconds: 3600 }),
        openai,
      ]),
      "$(arrow-swap) OpenAI (Copilot kept out until 15:00)",
      "OpenAI would answer. Copilot: kept out until 15:00",
    ],
    [
      "kept in by hand",
      summary([provider("copilot", { forced: "closed" }), openai]),
      "$(pinned) Copilot (kept in by hand)",
      "Copilot (kept in by hand)",
    ],
    [
      "the day's cap is reached",
      summary([openai, ollama], { spent_today_usd: 2.5, daily_cap_usd: 2.5 }),
      "$(arrow-swap) Ollama (OpenAI over the day's cap)",
      "Ollama would answer. OpenAI: over the day's cap",
    ],
    [
      "only the one for emergencies is left",
      summary([open("copilot", "outage", 600), provider("openai", { is_emergency: true })]),
      "$(arrow-swap) OpenAI (Copilot down until 14:10)",
      "OpenAI would answer. Copilot: down until 14:10",
    ],
    ["private mode", summary([copilot, ollama], { private: true }), "$(lock) Local only: Ollama", "Local only: Ollama"],
    [
      "private mode while the model loads",
      summary([copilot, provider("ollama", { is_loading: true })], { private: true }),
      "$(lock) Local only: Ollama (loading)",
      "Local only: Ollama (loading)",
    ],
    [
      "private mode with nobody local",
      summary([copilot, open("ollama", "outage", 60)], { private: true }),
      "$(circle-slash) Local only: nobody can answer",
      "Local only: nobody can answer",
    ],
    [
      "nobody can answer",
      summary([open("copilot", "outage", 60), open("ollama", "outage", 60)], { status: "down" }),
      "$(circle-slash) AI Gateway: nobody can answer",
      "nobody can answer",
    ],
    ["signed out, and nobody else", summary([signedOut, unset]), "$(key) AI Gateway: signed out", "signed out"],
    ["no tiers at all", summary([]), "$(circle-slash) AI Gateway: nobody can answer", "nobody can answer"],
    [
      "the tiers are not known yet",
      summary([], { status: "starting" }),
      "$(loading~spin) AI Gateway: starting",
      "starting",
    ],
    [
      "a service with a long name of the person's own, in which VS Code would see an icon",
      summary([provider("my $(bug) service in the basement")]),
      "$(check) my $\u200b(bug) service i…",
      "my $(bug) service i… would answer",
    ],
  ])("%s", (_, pushed, text, told) => {
    const words = wordsFor(pushed);
    expect(words.text).toBe(text);
    expect(words.accessibleName).toBe(`AI Gateway: ${told}`);
  });

  it.each<[ServerState, string, string | undefined]>([
    [{ kind: "stopped" }, "$(circle-outline) AI Gateway: stopped", undefined],
    [{ kind: "starting" }, "$(loading~spin) AI Gateway: starting", undefined],
    [RUNNING, "$(loading~spin) AI Gateway: starting", undefined],
    [{ kind: "noPython", reason: "Python 3.11 is needed" }, "$(error) AI Gateway: no Python", "error"],
    [{ kind: "crashed", reason: "it ended 5 times" }, "$(error) AI Gateway: crashed", "error"],
  ])("says of a server that is %j: %s", (server, text, background) => {
    const words = wordsFor(undefined, server);
    expect([words.text, words.background]).toEqual([text, background]);
  });

  it("says nothing good that was true before the server crashed", () => {
    const words = wordsFor(summary([copilot]), { kind: "crashed", reason: "it ended 5 times" });
    expect(words.text).toBe("$(error) AI Gateway: crashed");
    expect(words.tooltip).not.toContain("Copilot");
  });

  it("shows colour only where nobody can answer", () => {
    const backgrounds = [
      summary([copilot]),
      summary([open("copilot", "rate", 300), openai]),
      summary([signedOut]),
      summary([open("copilot", "outage", 60)]),
    ].map((pushed) => wordsFor(pushed).background);
    expect(backgrounds).toEqual([undefined, undefined, "warning", "error"]);
  });

  it("says first of all that it is a simulation", () => {
    const server: ServerState = { kind: "running", version: "0.1.0", simulated: true };
    const words = wordsFor(summary([open("copilot", "rate", 300), openai]), server);
    expect(words.text).toBe("$(beaker) Simulation · $(arrow-swap) OpenAI (Copilot limited until 14:05)");
    expect(words.accessibleName).toContain("AI Gateway, Simulation: OpenAI would answer");
    expect(words.tooltip).toContain("(command:aiGateway.endSimulation)");
    expect(wordsFor(summary([]), server).text).toBe("$(beaker) Simulation · $(circle-slash) nobody can answer");
  });

  it("says since when it starts, so that waiting and being stuck look different", () => {
    expect(wordsFor(undefined, { kind: "starting" }).tooltip).toContain("Starting since 14:00:00.");
  });
});

describe("the hover", () => {
  const mixed = summary(
    [
      provider("copilot", { state: "open", reason: "rate", retry_after_seconds: 300 }),
      unset,
      provider("ollama", { allowance: { remaining_percent: 41.6, resets_at: null, may_overrun: false } }),
    ],
    { spent_today_usd: 0.123, daily_cap_usd: 2.5 },
  );

  it("has a line for each provider in the order of asking, and says who would answer", () => {
    expect(hoverOf(mixed)).toEqual([
      "**Ollama would answer now**",
      "",
      "|  |  |  |  |",
      "|:--|:--|:--|:--|",
      "| $(clock) | Copilot | gpt-4o | limited until 14:05 · wants no more requests for now · [Reset](command:aiGateway.reset?%5B%22copilot%22%5D) |",
      "| $(circle-outline) | OpenAI | gpt-4o-mini | not set up · set OPENAI\\_API\\_KEY |",
      "| $(check) | **Ollama** | llama3 | ready · 42 % of the quota left |",
      "",
      "Spent today: $0.12 of $2.50",
      "",
      "[Explain the last answer](command:aiGateway.explainLast) · [Private mode](command:aiGateway.togglePrivate) · [Dashboard](command:aiGateway.showDashboard) · [Settings](command:aiGateway.openSettings)",
    ]);
  });

  it("offers to reset several at once", () => {
    expect(hoverOf(summary([open("copilot", "rate"), open("openai", "outage")])).at(-1)).toMatch(/^\[Reset…\]/);
  });

  it("breaks no line in what is short", () => {
    expect(wordsFor(mixed).tooltip).toContain("limited\u00a0until\u00a014:05");
  });

  it("offers to sign in where nobody has", () => {
    const lines = hoverOf(summary([signedOut, ollama]));
    expect(lines[4]).toBe("| $(key) | Copilot | gpt-4o | signed out · [Sign in](command:aiGateway.signIn) |");
    expect(lines.at(-1)).toMatch(/^\[Sign in\]\(command:aiGateway.signIn\) · \[Explain/);
  });

  it.each([false, true])("says in one quiet line why the editor lends no models; in private mode: %s", (isPrivate) => {
    const editor = provider("editor", { reason: "not_configured", hint: "sign in to GitHub in VS Code" });
    const lines = hoverOf(summary([editor, ollama], { private: isPrivate }));
    expect(lines.filter((line) => line.includes("Copilot in VS Code"))).toEqual([
      '<span style="color:var(--vscode-descriptionForeground);">Copilot in VS Code lends no model: sign in to GitHub in VS Code</span>',
    ]);
    expect(lines[4]).toMatch(/^\| \$\(check\) \| \*\*Ollama/);
  });

  it("says what only the person can do about a refused credential", () => {
    expect(hoverOf(summary([open("openai", "auth"), ollama]))[4]).toContain(
      "| credential refused · what to do about openai · [Reset]",
    );
  });

  it("says that nothing leaves the machine in private mode, and offers to end it", () => {
    const text = hoverOf(summary([copilot, ollama], { private: true })).join("\n");
    expect(text).toContain("**Ollama would answer now, and nothing leaves this machine**");
    expect(text).toContain("$(lock) | Copilot | gpt-4o | not local |\n");
    expect(text).toContain("[End private mode](command:aiGateway.togglePrivate)");
  });

  it("tells what is wrong with settings, three at most", () => {
    const lines = hoverOf(summary([copilot], { problems: ["a", "b", "c", "d", "e"] }));
    expect(lines.filter((line) => line.startsWith("- "))).toEqual([
      "- $(warning) a",
      "- $(warning) b",
      "- $(warning) c",
      "- and 2 more",
    ]);
  });

  it("lets a name or a hint be nothing but text", () => {
    const hint = "[click](command:evil) $(bug) <b> | x\n# y";
    const text = hoverOf(summary([provider("openai", { reason: "not_configured", hint, model: "a|b" })])).join("\n");
    expect(text).toContain("| a\\|b | not set up · \\[click\\]\\(command:evil\\) \\$\\(bug\\) &lt;b\\> \\| x \\# y |");
  });

  it("links to no command but those that it is trusted with", () => {
    const text = [mixed, summary([signedOut], { private: true })]
      .map((pushed) => wordsFor(pushed, { kind: "running", version: "", simulated: true }).tooltip)
      .concat(
        (["stopped", "starting"] as const).map((kind) => wordsFor(undefined, { kind }).tooltip),
        (["noPython", "crashed"] as const).map((kind) => wordsFor(undefined, { kind, reason: "why" }).tooltip),
      )
      .join("\n");
    const linked = new Set([...text.matchAll(/\(command:([\w.]+)/g)].map((match) => match[1]));
    const trusted = new Set<string>(LINKED_COMMANDS);
    expect([...linked].filter((command) => !trusted.has(command ?? ""))).toEqual([]);
  });
});

describe("those who were passed over", () => {
  const attempt = (outcome: "answered" | "failed" | "skipped" | "cancelled", reason: string | null) => ({
    outcome,
    reason,
  });

  it("are those of whom a person would want to know, as in the server's line", () => {
    const [failed, skipped, cancelled] = [
      attempt("failed", "timeout"),
      attempt("skipped", "rate"),
      attempt("cancelled", null),
    ];
    const known = [attempt("skipped", "not_configured"), attempt("skipped", "private"), attempt("answered", null)];
    expect(passedOver([failed, ...known, skipped, cancelled])).toEqual([failed, skipped, cancelled]);
    const news = source("explaining/byline.py").match(/^KNOWN = frozenset\(\{(.*)\}\)/m)?.[1];
    expect(news?.toLowerCase().replaceAll("exclusion.", "").split(", ")).toEqual(
      known.flatMap(({ reason }) => reason ?? []),
    );
  });
});

describe("a moment to come", () => {
  it.each([
    [30, "14:00:30"],
    [119, "14:01:59"],
    [120, "14:02"],
    [11 * 3600, "01:00"],
    [24 * 3600, "Sun 14:00"],
    [5 * 24 * 3600, "Thu 14:00"],
    [7 * 24 * 3600, "Nov 28"],
  ])("in %i seconds is called %s", (seconds, words) => {
    expect(momentToCome(new Date(NOW.getTime() + seconds * 1000), { now: NOW, locale: "en" })).toBe(words);
  });
});

describe("a span", () => {
  it.each([
    [0.0123, "12 ms"],
    [0.34, "0.3 s"],
    [3, "3 s"],
    [12.4, "12 s"],
    [119, "119 s"],
    [120, "2 min"],
    [2 * 3600, "2 h"],
    [49 * 3600, "2 days"],
  ])("of %d seconds is called %s", (seconds, words) => {
    expect(spanInWords(seconds, manner)).toBe(words);
  });

  it("that is an age is told in whole seconds at least", () => {
    expect([0, 2.7].map((seconds) => ageInWords(seconds, manner))).toEqual(["1 s", "3 s"]);
  });

  it("has its figures as one writes them in the person's language", () => {
    expect(spanInWords(0.34, { ...manner, locale: "de" })).toBe("0,3 s");
  });
});

describe("why one gave no answer", () => {
  it("is told with the moment when it is asked again", () => {
    expect(whyNot({ reason: "rate_limit", retry_after_seconds: 600 }, manner)).toBe(
      "wanted no more requests for now; asked again from 14:10",
    );
    expect(whyNot({ reason: "auth", retry_after_seconds: null }, manner)).toBe("refuses the credential");
  });

  it("has advice only for reasons that there are", () => {
    expect(Object.keys(advices(l10n)).filter((reason) => !(reason in reasons(l10n)))).toEqual([]);
  });
});

describe("a provider's name", () => {
  it("is in the person's language, where it is no name of its own", () => {
    const german = { t: (message: string) => (message === "Copilot in VS Code" ? "Copilot aus VS Code" : message) };
    expect(nameOf("editor", german)).toBe("Copilot aus VS Code");
  });

  it("is what the person calls a service of their own", () => {
    expect(["my-service", "constructor"].map((name) => nameOf(name, l10n))).toEqual(["my-service", "constructor"]);
  });
});

describe("the words that the server has too", () => {
  const pairs = (text: string) =>
    Object.fromEntries([...text.matchAll(/^ +"(\w+)": "(.+)",$/gm)].map(([, key, value]) => [key, value]));

  it("are the same for every reason", () => {
    expect(reasons(l10n)).toEqual(pairs(source("reasons.py")));
  });

  it("are the same for every provider's name", () => {
    const names = pairs(source("spending/words.py").match(/^NAMES = \{[^}]*\}/m)?.[0] ?? "");
    expect(Object.keys(names).length).toBeGreaterThan(5);
    for (const [provider, name] of Object.entries(names)) expect(nameOf(provider, l10n)).toBe(name);
  });
});
