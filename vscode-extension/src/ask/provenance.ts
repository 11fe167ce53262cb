/** How an answer came about, in a line: who gave it, what it took, and why nobody before did. */

import type { AttemptResult, QueryResult, UsageResult } from "../generated/messages";
import type { Manner } from "../manner";
import { usdInWords } from "../money";
import { answererName, nameOf } from "../status/names";
import { passedOver, whyNot } from "../status/reasons";
import { ageInWords, spanInWords } from "../status/times";

type Answered = Pick<
  QueryResult,
  "provider" | "model" | "cached" | "stale" | "age_seconds" | "elapsed_ms" | "usage" | "cost_usd" | "attempts"
>;

/** Say all of it, to stand where nothing else is said of the answer; `now` is when it came. */
export function provenanceInWords(answer: Answered, manner: Manner): string {
  return inLine(answererName(answer, manner.l10n), ...marksOf(answer, manner), ...course(answer, manner));
}

/** Say it where the marks are shown by themselves. */
export function bylineOf(answer: Answered, manner: Manner): string {
  return inLine(answererName(answer, manner.l10n), ...course(answer, manner));
}

/** What is unusual about an answer: it was given before. */
export function marksOf({ stale, cached, age_seconds: seconds }: Answered, manner: Manner): string[] {
  const age = ageInWords(seconds ?? 0, manner);
  if (stale) return [manner.l10n.t("Old answer, from {0} ago", age)];
  return cached ? [manner.l10n.t("From the cache, {0} old", age)] : [];
}

function course(answer: Answered, manner: Manner): string[] {
  const { elapsed_ms: elapsed, stale, attempts } = answer;
  return [
    ...(stale ? [manner.l10n.t("nobody could give a new one")] : []),
    spanInWords(elapsed / 1000, manner),
    effort(answer, manner),
    ...passedOver(attempts).map((attempt) => passedOverInWords(attempt, manner)),
  ];
}

function effort({ usage, cost_usd: cost }: Answered, manner: Manner): string {
  const tokens = tokensInWords(usage, manner);
  return cost ? manner.l10n.t("{0} ({1})", tokens, usdInWords(cost, manner.locale)) : tokens;
}

function tokensInWords({ input_tokens, output_tokens, estimated }: UsageResult, { l10n, locale }: Manner): string {
  const figures = new Intl.NumberFormat(locale);
  const [read, written] = [figures.format(input_tokens), figures.format(output_tokens)];
  return estimated ? l10n.t("about {0} + {1} tokens", read, written) : l10n.t("{0} + {1} tokens", read, written);
}

const passedOverInWords = (attempt: AttemptResult, manner: Manner): string =>
  `${nameOf(attempt.provider, manner.l10n)} ${whyNot(attempt, manner)}`;

const inLine = (...parts: readonly string[]): string => parts.join(" · ");
