/** The line above everything: who would answer, and what today has brought. */

import { totalOf } from "../../dashboard/figures";
import { dateOf } from "../../dashboard/scales";
import { h } from "../shared/dom";
import { icon } from "../shared/icons";
import type { Overview } from "./messages";
import type { Speech } from "./speech";

/** Say it. */
export function topLine(overview: Overview, speech: Speech): HTMLElement {
  const { strings } = speech;
  const today = (overview.past?.history.days ?? []).filter(({ date }) => date === dateOf(new Date()));
  const figures: [string, string][] = [
    [strings.queriesToday, speech.count(totalOf(today, "queries"))],
    [strings.tokensToday, speech.compact(totalOf(today, "tokens"))],
    ...(overview.spentToday === null ? [] : [[strings.spentToday, overview.spentToday] as [string, string]]),
  ];
  return h(
    "header.top",
    {},
    h(
      "h1",
      {},
      overview.isPrivate ? icon("lock") : null,
      overview.headline,
      overview.isSimulated ? h("span.chip.note", {}, strings.simulation) : null,
    ),
    h(
      "dl.today",
      { "aria-label": strings.today },
      ...figures.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    ),
    overview.problems.length === 0
      ? null
      : h("ul.problems", {}, ...overview.problems.map((problem) => h("li", {}, icon("alert"), h("span", {}, problem)))),
  );
}
