/** A turn in a person's words. */

import type { AttemptResult, HealthSummary, QueryResult, StartedProgress } from "../generated/messages";
import type { Localizer, Manner } from "../manner";
import { answererName, nameOf } from "../status/names";
import { reasonInWords } from "../status/reasons";
import { answererOf, isListed, standingInWords, standingsOf } from "../status/standing";
import type { By, Provenance, Standing, TurnView } from "../webview/answer/messages";
import { bylineOf, marksOf } from "./provenance";
import { queryIdOf, type TakenBack, type Turn, wordsIn } from "./turn";

/** What stands around a turn. */
export interface Surroundings {
  readonly canApply: boolean;
  /** Who is asked, as far as one can tell. */
  readonly waiting: string;
  /** How many earlier turns were not sent along. */
  readonly leftOutBefore: number;
}

export function turnView(turn: Turn, { canApply, waiting, leftOutBefore }: Surroundings, manner: Manner): TurnView {
  const { l10n } = manner;
  const { id, question, isPrivate, phase, askedAt, text, about, failure } = turn;
  return {
    id,
    question,
    about: about ?? null,
    isPrivate,
    canApply,
    phase,
    askedAt,
    waiting,
    by: turn.by ? byOf(turn.by, l10n) : null,
    seams: turn.takenBack.map((taken, at) => ({ said: seamInWords(taken, nextBy(turn, at), l10n), text: taken.text })),
    text,
    provenance: turn.result ? provenanceOf(turn, turn.result, leftOutBefore, manner) : null,
    failure: failure ?? null,
    hasTrace: queryIdOf(turn) !== undefined,
  };
}

function byOf({ provider, backend, model }: StartedProgress, l10n: Localizer): By {
  return { provider, name: nameOf(provider, l10n), backend, model };
}

function nextBy({ takenBack, by }: Turn, at: number): StartedProgress | undefined {
  return at + 1 < takenBack.length ? takenBack[at + 1]?.by : by;
}

/** Say what became of text that was shown. */
function seamInWords({ by, text, reason }: TakenBack, next: StartedProgress | undefined, l10n: Localizer): string {
  const who = by ? nameOf(by.provider, l10n) : l10n.t("The answer");
  const words = wordsInWords(text, l10n);
  const broke =
    reason === "stream_broken"
      ? l10n.t("{0} broke off after {1}: text taken back.", who, words)
      : l10n.t("{0} {1}, after {2}: text taken back.", who, reasonInWords(reason, l10n), words);
  if (!next) return broke;
  return `${broke} ${l10n.t("Now answered by {0}.", answererName(next, l10n))}`;
}

/** Moments to come count from when the answer came, however often it is shown. */
function provenanceOf(turn: Turn, result: QueryResult, leftOutBefore: number, manner: Manner): Provenance {
  const then = { ...manner, now: new Date(turn.askedAt + result.elapsed_ms) };
  const attempts = result.attempts.filter((attempt) => !isInSeam(attempt, turn));
  return {
    byline: bylineOf({ ...result, attempts }, then),
    marks: marksOf(result, then),
    notes: [...notesOf(result, manner.l10n), ...leftOutInWords(leftOutBefore, manner.l10n)],
  };
}

const isInSeam = ({ provider, reason }: AttemptResult, { takenBack }: Turn): boolean =>
  takenBack.some((taken) => taken.by?.provider === provider && taken.reason === reason);

function notesOf({ left_out: leftOut, finish_reason: reason }: QueryResult, l10n: Localizer): string[] {
  const files = leftOut.map(({ path, reason: why }) => l10n.t("{0} was left out: {1}", path, why));
  return reason === "length"
    ? [l10n.t("The answer was cut short: it reached the longest length allowed."), ...files]
    : files;
}

function leftOutInWords(count: number, l10n: Localizer): string[] {
  if (count === 0) return [];
  return [
    count === 1
      ? l10n.t("The conversation is long, so its oldest question and answer were not sent along.")
      : l10n.t("The conversation is long, so its {0} oldest questions and answers were not sent along.", count),
  ];
}

/** Say who is asked: nobody tells before the first word comes, so it is whom the gateway would ask first. */
export function waitingInWords(summary: HealthSummary | undefined, isPrivate: boolean, manner: Manner): string {
  const { l10n } = manner;
  const known = standingsOfAll(summary, isPrivate, manner);
  const answerer = answererOf(known);
  if (!answerer) return l10n.t("Asking");
  const name = nameOf(answerer.provider.name, l10n);
  if (answerer.kind === "loading") return l10n.t("{0} is loading its model", name);
  return isPrivate ? l10n.t("Asking {0}, and only local models", name) : l10n.t("Asking {0} first", name);
}

/** How the providers stand, before anything is asked. */
export function standingViews(summary: HealthSummary | undefined, isPrivate: boolean, manner: Manner): Standing[] {
  return standingsOfAll(summary, isPrivate, manner)
    .filter(isListed)
    .map((standing) => ({
      name: nameOf(standing.provider.name, manner.l10n),
      backend: standing.provider.backend,
      said: standingInWords(standing, manner),
      tone: standing.kind === "loading" || standing.kind === "trial" ? "waiting" : standing.mayAnswer ? "ready" : "off",
    }));
}

function standingsOfAll(summary: HealthSummary | undefined, isPrivate: boolean, { now }: Manner) {
  return summary ? standingsOf({ summary: { ...summary, private: summary.private || isPrivate }, at: now }) : [];
}

/** What a screen reader is told, once for each thing that happens. */
export function announcement(turn: Turn, l10n: Localizer): string {
  const who = turn.by ? nameOf(turn.by.provider, l10n) : "";
  const taken = turn.takenBack.at(-1);
  switch (turn.phase) {
    case "waiting":
      return taken ? seamInWords(taken, undefined, l10n) : "";
    case "streaming":
      return l10n.t("{0} is answering", who);
    case "answered":
      return l10n.t("Answer complete: {0} by {1}", wordsInWords(turn.text, l10n), who);
    case "stopped":
      return l10n.t("Stopped");
    case "failed":
      return l10n.t("No answer: {0}", turn.failure?.message ?? "");
  }
}

function wordsInWords(text: string, l10n: Localizer): string {
  const count = wordsIn(text);
  return count === 1 ? l10n.t("1 word") : l10n.t("{0} words", count);
}
