/** Why there is no answer, and what can be done about it. */

import type { AttemptResult, LastAnswerResult, NoAnswerData } from "../generated/messages";
import type { Localizer, Manner } from "../manner";
import { GatewayError } from "../server/gateway";
import { advices } from "../status/advice";
import { answererName, nameOf } from "../status/names";
import { newsOf, whyNot } from "../status/reasons";
import { ageInWords } from "../status/times";
import type { FailureView, Offer, TierReason } from "../webview/answer/messages";

export interface Failure extends FailureView {
  readonly queryId: string | undefined;
}

const NO_TIER_ANSWERED = -32050;
const WITHOUT_CREDENTIAL = ["signed_out", "auth", "not_configured"];
const TOO_LONG = "context_too_long";

/** Say it for a person; `isServerGone` if there is no server that could have answered. */
export function failureOf(error: unknown, isServerGone: boolean, manner: Manner): Failure {
  const data =
    error instanceof GatewayError && error.code === NO_TIER_ANSWERED ? (error.data as NoAnswerData) : undefined;
  if (data) return noAnswer(data, manner);
  const message = error instanceof Error ? error.message : String(error);
  const offers = isServerGone ? serverOffers(manner) : [];
  return { message, reasons: [], notes: [], offers, queryId: undefined };
}

function noAnswer(data: NoAnswerData, manner: Manner): Failure {
  const missed = lastOfEach(data.attempts.filter(({ outcome }) => outcome !== "answered"));
  const news = newsOf(missed);
  const told = news.length > 0 ? news : missed; // all of them are known, and why nobody answers is to be said
  const reasons = told.map((attempt) => reasonOf(attempt, data, manner));
  const shared = sharedHints(reasons);
  const lastAnswer = data.last_answer ? [lastAnswerInWords(data.last_answer, manner)] : [];
  return {
    message: messageOf(data, manner),
    reasons: reasons.map((reason) => (shared.includes(reason.hint ?? "") ? { ...reason, hint: null } : reason)),
    notes: [...shared, ...lastAnswer],
    offers: offersFor(missed, manner.l10n),
    queryId: data.query_id ?? undefined,
  };
}

/** Who was asked twice has its last reason. */
const lastOfEach = (attempts: readonly AttemptResult[]): AttemptResult[] => [
  ...new Map(attempts.map((attempt) => [attempt.provider, attempt])).values(),
];

function messageOf(data: NoAnswerData, { l10n }: Manner): string {
  const refusing = data.reason === null ? undefined : data.attempts.at(-1);
  return refusing
    ? l10n.t("{0} refused the question.", nameOf(refusing.provider, l10n))
    : l10n.t("Nobody could answer.");
}

function reasonOf(attempt: AttemptResult, { hints = {} }: Partial<NoAnswerData>, manner: Manner): TierReason {
  const { provider, backend, reason } = attempt;
  const known = hints[provider];
  const hint = known === undefined ? advices(manner.l10n)[reason ?? ""] : sentence(known);
  return { name: nameOf(provider, manner.l10n), backend, said: whyNot(attempt, manner), hint: hint ?? null };
}

/** What holds for several is said once, after all of them. */
function sharedHints(reasons: readonly TierReason[]): string[] {
  const hints = reasons.map(({ hint }) => hint).filter((hint) => hint !== null);
  return [...new Set(hints.filter((hint, at) => hints.indexOf(hint) < at))];
}

const sentence = (part: string): string =>
  `${part.charAt(0).toUpperCase()}${part.slice(1)}${/[.!?]$/.test(part) ? "" : "."}`;

const lastAnswerInWords = (last: LastAnswerResult, manner: Manner): string =>
  manner.l10n.t("{0} answered last, {1} ago.", answererName(last, manner.l10n), ageInWords(last.age_seconds, manner));

function offersFor(missed: readonly AttemptResult[], l10n: Localizer): Offer[] {
  const offers = [
    startOver(missed, l10n),
    ...missed.map((attempt) => credentialOffer(attempt, l10n)),
    setUpOffer(missed, l10n),
  ];
  return offers.filter((offer) => offer !== undefined);
}

/** What was said before is sent with each question: without it, a question may be short enough. */
function startOver(missed: readonly AttemptResult[], l10n: Localizer): Offer | undefined {
  const asked = missed.filter(({ outcome, reason }) => outcome !== "skipped" || reason === TOO_LONG);
  const isTooLong = asked.length > 0 && asked.every(({ reason }) => reason === TOO_LONG);
  return isTooLong
    ? { label: l10n.t("Start a New Conversation"), icon: "newFile", command: "aiGateway.newConversation" }
    : undefined;
}

function credentialOffer({ provider, backend, reason }: AttemptResult, l10n: Localizer): Offer | undefined {
  if (reason === null || !WITHOUT_CREDENTIAL.includes(reason)) return undefined;
  if (provider === "copilot")
    return { label: l10n.t("Sign In to Copilot"), icon: "signIn", command: "aiGateway.signIn" };
  if (backend !== "cloud") return undefined;
  const label = l10n.t("Enter a Key for {0}…", nameOf(provider, l10n));
  return { label, icon: "key", command: "aiGateway.setKey", argument: provider };
}

function setUpOffer(missed: readonly AttemptResult[], l10n: Localizer): Offer | undefined {
  const isNobodySetUp = missed.every(({ reason }) => reason === "not_configured");
  return isNobodySetUp
    ? { label: l10n.t("Get Started"), icon: "explain", command: "aiGateway.openWalkthrough" }
    : undefined;
}

function serverOffers({ l10n }: Manner): Offer[] {
  return [
    { label: l10n.t("Restart the Server"), icon: "again", command: "aiGateway.restart" },
    { label: l10n.t("Show the Log"), icon: "file", command: "aiGateway.showLog" },
  ];
}
