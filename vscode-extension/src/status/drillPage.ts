/** What a rehearsed outage has shown, as a page to read. */

import type { DrillQuestionResult, DrillResult } from "../generated/messages";
import type { Localizer } from "../manner";
import { plain } from "../markdown";
import { passedOver, reasonInWords } from "./reasons";
import { nameOf } from "./standing";

/** Write the page. */
export function drillPage(drill: DrillResult, l10n: Localizer): string {
  const recovery = drill.recovery === null ? [] : [[l10n.t("afterwards"), ...cells(drill.recovery, l10n)]];
  const questions = drill.questions.map((question) => [after(question.asked_after_seconds), ...cells(question, l10n)]);
  return [
    `# ${l10n.t("A rehearsed outage of {0}", plain(nameOf(drill.provider)))}`,
    `**${plain(drill.verdict)}**`,
    advice(drill.advice, l10n),
    `## ${l10n.t("Questions")}`,
    table(
      [l10n.t("asked at"), l10n.t("answered by"), l10n.t("after"), l10n.t("on the way")],
      [...questions, ...recovery],
    ),
    breaker(drill, l10n),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function cells(question: DrillQuestionResult, l10n: Localizer): string[] {
  if (question.outcome === "unfinished") {
    return ["–", after(question.elapsed_ms / 1000), l10n.t("still waiting when the rehearsal ended")];
  }
  const who = question.provider === null ? l10n.t("nobody") : nameOf(question.provider);
  const onTheWay = passedOver(question.attempts).map(
    ({ provider, outcome, reason }) => `${nameOf(provider)} ${reason === null ? outcome : reasonInWords(reason, l10n)}`,
  );
  if (question.was_retracted) onTheWay.push(l10n.t("text was taken back"));
  const model = question.model === null ? "" : ` (${question.model})`;
  return [plain(who + model), after(question.elapsed_ms / 1000), plain(onTheWay.join("; "))];
}

function advice(told: readonly string[], l10n: Localizer): string {
  if (told.length === 0) return "";
  return [`## ${l10n.t("What could be better")}`, "", ...told.map((each) => `- ${plain(each)}`)].join("\n");
}

function breaker(drill: DrillResult, l10n: Localizer): string {
  if (drill.breaker.length === 0) return "";
  const changes = drill.breaker.map(({ after_seconds, before, after: now, reason }) => {
    const why = reason === null ? "" : `: ${reasonInWords(reason, l10n)}`;
    return `- \`${after(after_seconds)}\` ${state(before)} → ${state(now)}${plain(why)}`;
  });
  return [`## ${l10n.t("Its circuit")}`, "", ...changes].join("\n");
}

const state = (name: string): string => name.replace("_", "-");

const after = (seconds: number): string =>
  seconds < 0.095 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;

const table = (head: readonly string[], body: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...body].map((row) => `| ${row.join(" | ")} |`).join("\n");
