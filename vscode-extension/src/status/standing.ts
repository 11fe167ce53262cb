/** How each provider is, for a person: one word out of a few, made of all that the server says of it. */

import type { HealthSummary, ProviderHealthResult } from "../generated/messages";
import type { Localizer, Manner } from "../manner";
import { reasonInWords } from "./reasons";
import { momentToCome } from "./times";

export type StandingKind =
  | "ready"
  | "keptIn"
  | "trial"
  | "loading"
  | "limited"
  | "quotaSpent"
  | "down"
  | "slow"
  | "signedOut"
  | "notLent"
  | "refused"
  | "blocked"
  | "notSetUp"
  | "keptOut"
  | "notLocal"
  | "capReached";

export interface Standing {
  readonly provider: ProviderHealthResult;
  readonly kind: StandingKind;
  /** Whether a query would be sent to it. */
  readonly mayAnswer: boolean;
  /** When it is asked again by itself. */
  readonly until: Date | undefined;
}

/** The status as it was pushed, and when: its waits count from there. */
export interface Received {
  readonly summary: HealthSummary;
  readonly at: Date;
}

const ICONS: Readonly<Record<StandingKind, string>> = {
  ready: "check",
  keptIn: "pinned",
  trial: "history",
  loading: "loading~spin",
  limited: "clock",
  quotaSpent: "clock",
  down: "circle-slash",
  slow: "watch",
  signedOut: "key",
  notLent: "circle-outline",
  refused: "key",
  blocked: "circle-slash",
  notSetUp: "circle-outline",
  keptOut: "pinned",
  notLocal: "lock",
  capReached: "circle-slash",
};

const OF_REASON: Readonly<Record<string, StandingKind>> = {
  outage: "down",
  slow: "slow",
  rate: "limited",
  quota: "quotaSpent",
  auth: "refused",
  blocked: "blocked",
  loading: "loading",
  forced: "keptOut",
};

/** The codicon of a standing. */
export const iconOf = (kind: StandingKind): string => ICONS[kind];

/** Say of each provider how it is, in the order of asking. */
export function standingsOf({ summary, at }: Received): Standing[] {
  const { spent_today_usd: spent, daily_cap_usd: cap } = summary;
  const isCapReached = spent !== null && cap !== null && spent >= cap;
  return summary.providers.map((provider) => {
    const isOpen = provider.state === "open";
    const kind = kindOf(provider, { isPrivate: summary.private, isCapReached });
    const wait = provider.retry_after_seconds;
    return {
      provider,
      kind,
      mayAnswer: !isOpen && ["ready", "keptIn", "trial", "loading"].includes(kind),
      until: isOpen && wait !== null ? secondOf(at.getTime() + wait * 1000) : undefined,
    };
  });
}

/** Each status tells the wait anew, with the time on its way in it: it should not be another moment each time. */
const secondOf = (milliseconds: number): Date => new Date(Math.round(milliseconds / 1000) * 1000);

/** Whether it has a place among the providers: an editor that lends nothing is nobody that a person has set up. */
export const isListed = ({ kind }: Standing): boolean => kind !== "notLent";

/** Find who would answer now. One for emergencies does only if nobody else can. */
export function answererOf(standings: readonly Standing[]): Standing | undefined {
  const able = standings.filter((standing) => standing.mayAnswer);
  return able.find((standing) => !standing.provider.is_emergency) ?? able[0];
}

/** Find the first who would have been asked before `answerer` and can't answer; whoever was never set up doesn't count. */
export function missedBefore(answerer: Standing | undefined, standings: readonly Standing[]): Standing | undefined {
  const others = standings.filter((standing) => !standing.provider.is_emergency);
  const before = answerer === undefined || answerer.provider.is_emergency ? others.length : others.indexOf(answerer);
  const isAnsweredByCopilot = answerer?.provider.backend === "copilot";
  const uncounted = ["notSetUp", "notLent", ...(isAnsweredByCopilot ? ["signedOut"] : [])];
  return others.slice(0, before).find(({ kind }) => !uncounted.includes(kind));
}

function kindOf(provider: ProviderHealthResult, rules: { isPrivate: boolean; isCapReached: boolean }): StandingKind {
  const isLacking = provider.reason === "not_configured";
  if (isLacking && provider.name === "editor") return "notLent";
  if (rules.isPrivate && provider.backend !== "local") return "notLocal";
  if (isLacking) return lackOf(provider);
  if (provider.state === "open") return OF_REASON[provider.reason ?? ""] ?? "down";
  if (rules.isCapReached && provider.price_class === "metered") return "capReached";
  if (provider.is_loading) return "loading";
  if (provider.state === "half_open") return "trial";
  return provider.forced === "closed" ? "keptIn" : "ready";
}

/** What is missing. Copilot is signed in to, but its breaker also calls it not configured if it does not know the model. */
function lackOf({ name, last_error }: ProviderHealthResult): StandingKind {
  return name === "copilot" && (last_error === null || last_error.startsWith("signed_out:")) ? "signedOut" : "notSetUp";
}

/** Say the standing in a word or two, with the time it ends: "limited until 14:05". */
export function standingInWords(standing: Standing, manner: Manner): string {
  const word = wordOf(standing.kind, manner.l10n);
  return standing.until === undefined
    ? word
    : manner.l10n.t("{0} until {1}", word, momentToCome(standing.until, manner));
}

/** Whether a person could let it go by itself again. */
export const canBeReset = ({ provider }: Standing): boolean => provider.state !== "closed" || provider.forced !== null;

function wordOf(kind: StandingKind, l10n: Localizer): string {
  const words: Record<StandingKind, string> = {
    ready: l10n.t("ready"),
    keptIn: l10n.t("kept in by hand"),
    trial: l10n.t("to be tried again"),
    loading: l10n.t("loading"),
    limited: l10n.t("limited"),
    quotaSpent: l10n.t("quota spent"),
    down: l10n.t("down"),
    slow: l10n.t("too slow"),
    signedOut: l10n.t("signed out"),
    notLent: l10n.t("lends no model"),
    refused: l10n.t("credential refused"),
    blocked: l10n.t("not allowed"),
    notSetUp: l10n.t("not set up"),
    keptOut: l10n.t("kept out"),
    notLocal: l10n.t("not local"),
    capReached: l10n.t("over the day's cap"),
  };
  return words[kind];
}

/** Kinds that only a person can end: what to do says more than why. */
const UP_TO_A_PERSON: readonly StandingKind[] = ["notSetUp", "notLent", "refused", "blocked", "quotaSpent"];

/** Say more of a standing, to stand after it: what only a person can do, or else why it is so; empty: there is no more. */
export function detailOf(standing: Standing, l10n: Localizer): string {
  const { kind, provider } = standing;
  if (kind === "ready" || kind === "keptIn") return quotaLeft(provider, l10n);
  return (UP_TO_A_PERSON.includes(kind) ? provider.hint : null) ?? reasonOf(standing, l10n);
}

function quotaLeft({ allowance }: ProviderHealthResult, l10n: Localizer): string {
  return allowance ? l10n.t("{0} % of the quota left", Math.round(allowance.remaining_percent)) : "";
}

/** Why it is not asked, where its word does not say so already. */
function reasonOf({ kind, provider }: Standing, l10n: Localizer): string {
  switch (kind) {
    case "notSetUp":
    case "notLent":
    case "signedOut":
    case "slow":
    case "loading":
      return "";
    case "notLocal":
      return l10n.t("is not local, and everything is private now");
    case "capReached":
      return reasonInWords("daily_cap", l10n);
    case "trial":
      return l10n.t("is tried with the next question");
    default:
      return provider.reason === null ? "" : reasonInWords(provider.reason, l10n);
  }
}
