/** What a rehearsed outage has shown, as a page to read. */

import type { DrillQuestionResult, DrillResult } from "../generated/messages";
import type { Localizer, Manner } from "../manner";
import { plain } from "../markdown";
import { answererName, nameOf } from "./names";
import { passedOver, reasonInWords, whyInWords } from "./reasons";
import { spanInWords } from "./times";

/** Write the page. */
export function drillPage(drill: DrillResult, manner: Manner): string {
  const { l10n } = manner;
  const recovery = drill.recovery === null ? [] : [[l10n.t("afterwards"), ...cells(drill.recovery, manner)]];
  const questions = drill.questions.map((question) => [
    spanInWords(question.asked_after_seconds, manner),
    ...cells(question, manner),
  ]);
  return [
    `# ${l10n.t("A rehearsed outage of {0}", plain(nameOf(drill.provider, l10n)))}`,
    `**${plain(drill.verdict)}**`,
    advice(drill.advice, l10n),
    `## ${l10n.t("Questions")}`,
    table(
      [l10n.t("asked at"), l10n.t("answered by"), l10n.t("after"), l10n.t("on the way")],
      [...questions, ...recovery],
    ),
    breaker(drill, manner),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function cells(question: DrillQuestionResult, manner: Manner): string[] {
  const { l10n } = manner;
  const took = spanInWords(question.elapsed_ms / 1000, manner);
  if (question.outcome === "unfinished") {
    return ["–", took, l10n.t("still waiting when the rehearsal ended")];
  }
  const { provider, model } = question;
  const who = provider === null ? l10n.t("nobody") : answererName({ provider, model }, l10n);
  const onTheWay = passedOver(question.attempts).map(
    (attempt) => `${nameOf(attempt.provider, l10n)} ${whyInWords(attempt, l10n)}`,
  );
  if (question.was_retracted) onTheWay.push(l10n.t("text was taken back"));
  return [plain(who), took, plain(onTheWay.join("; "))];
}

function advice(told: readonly string[], l10n: Localizer): string {
  if (told.length === 0) return "";
  return [`## ${l10n.t("What could be better")}`, "", ...told.map((each) => `- ${plain(each)}`)].join("\n");
}

function breaker(drill: DrillResult, manner: Manner): string {
  const { l10n } = manner;
  if (drill.breaker.length === 0) return "";
  const changes = drill.breaker.map(({ after_seconds, before, after: now, reason }) => {
    const why = reason === null ? "" : `: ${reasonInWords(reason, l10n)}`;
    return `- \`${spanInWords(after_seconds, manner)}\` ${state(before)} → ${state(now)}${plain(why)}`;
  });
  return [`## ${l10n.t("Its circuit")}`, "", ...changes].join("\n");
}

const state = (name: string): string => name.replace("_", "-");

const table = (head: readonly string[], body: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...body].map((row) => `| ${row.join(" | ")} |`).join("\n");
