/** Why there is no answer, and what can be done about it. */

import type { AttemptResult, NoAnswerData } from "../generated/messages";
import type { Manner } from "../manner";
import { GatewayError } from "../server/gateway";
import { reasonInWords } from "../status/reasons";
import { nameOf } from "../status/standing";
import { momentToCome } from "../status/times";
import type { FailureView, Offer } from "../webview/answer/messages";

export interface Failure extends FailureView {
  readonly queryId: string | undefined;
}

const NO_TIER_ANSWERED = -32050;
const WITHOUT_CREDENTIAL = ["signed_out", "auth", "not_configured"];

/** Say it for a person; `isServerGone` if there is no server that could have answered. */
export function failureOf(error: unknown, isServerGone: boolean, manner: Manner): Failure {
  const data =
    error instanceof GatewayError && error.code === NO_TIER_ANSWERED ? (error.data as NoAnswerData) : undefined;
  if (data) return noAnswer(data, manner);
  const message = error instanceof Error ? error.message : String(error);
  const offers = isServerGone ? serverOffers(manner) : [];
  return { message, reasons: [], hints: [], offers, queryId: undefined };
}

function noAnswer(data: NoAnswerData, manner: Manner): Failure {
  const { l10n } = manner;
  const missed = data.attempts.filter(({ outcome }) => outcome !== "answered");
  return {
    message: messageOf(data, manner),
    reasons: missed.map((attempt) => ({
      name: nameOf(attempt.provider),
      backend: attempt.backend,
      said: whyNot(attempt, manner),
    })),
    hints: sentencesOf(data.hint),
    offers: [...missed.map((attempt) => credentialOffer(attempt, manner)), setUpOffer(missed, l10n)].filter(
      (offer) => offer !== undefined,
    ),
    queryId: data.query_id ?? undefined,
  };
}

function messageOf(data: NoAnswerData, { l10n }: Manner): string {
  const refusing = data.reason === null ? undefined : data.attempts.at(-1);
  return refusing ? l10n.t("{0} refused the question.", nameOf(refusing.provider)) : l10n.t("Nobody could answer.");
}

function whyNot({ reason, outcome, retry_after_seconds: wait }: AttemptResult, manner: Manner): string {
  const why = reason === null ? outcome : reasonInWords(reason, manner.l10n);
  if (!wait) return why;
  const moment = new Date(manner.now.getTime() + wait * 1000);
  return manner.l10n.t("{0}, until {1}", why, momentToCome(moment, manner));
}

function credentialOffer({ provider, backend, reason }: AttemptResult, { l10n }: Manner): Offer | undefined {
  if (reason === null || !WITHOUT_CREDENTIAL.includes(reason)) return undefined;
  if (provider === "copilot")
    return { label: l10n.t("Sign In to Copilot"), icon: "signIn", command: "aiGateway.signIn" };
  if (backend !== "cloud") return undefined;
  const label = l10n.t("Enter a Key for {0}…", nameOf(provider));
  return { label, icon: "key", command: "aiGateway.setKey", argument: provider };
}

function setUpOffer(missed: readonly AttemptResult[], l10n: Manner["l10n"]): Offer | undefined {
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

/** The server's hints are parts of a sentence, one after the other. */
function sentencesOf(hint: string): string[] {
  const parts = hint.split("; ").map((part) => part.trim());
  return [...new Set(parts.filter((part) => part !== "").map(sentence))];
}

function sentence(part: string): string {
  return `${part.charAt(0).toUpperCase()}${part.slice(1)}${/[.!?]$/.test(part) ? "" : "."}`;
}
