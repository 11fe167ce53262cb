/** The last queries: who answered each, who was passed over before, and on demand how it went. */

import { type Leg, legsOf } from "../../dashboard/figures";
import type { PastQueryResult } from "../../generated/messages";
import { newsOf, passedOver } from "../../status/reasons";
import { h } from "../shared/dom";
import { type IconName, icon } from "../shared/icons";
import type { Overview, ToHost } from "./messages";
import type { Speech } from "./speech";

const SHOWN = 12;
const MORE = 25;

const OUTCOME_ICONS: Readonly<Record<Leg["outcome"], IconName>> = {
  answered: "check",
  failed: "slash",
  skipped: "skip",
  cancelled: "stop",
};
const OUTCOME_STATES = { answered: "closed", failed: "open", skipped: "half_open", cancelled: "half_open" } as const;

/** Lists them, and remembers which are open. */
export class QueryList {
  private readonly open = new Set<string>();
  private shown = SHOWN;

  constructor(
    private readonly speech: Speech,
    private readonly post: (message: ToHost) => void,
    private readonly redraw: () => void,
  ) {}

  draw(overview: Overview): HTMLElement {
    const { strings } = this.speech;
    const queries = overview.past?.history.queries ?? [];
    return h(
      "section.queries",
      { "aria-labelledby": "queries-title" },
      h("h2", { id: "queries-title" }, strings.lastQueries),
      queries.length === 0
        ? this.empty(overview)
        : h("ul.rows", {}, ...queries.slice(0, this.shown).map((query) => this.row(query, overview))),
      queries.length > this.shown ? this.moreButton(queries.length - this.shown) : null,
    );
  }

  private empty(overview: Overview): HTMLElement {
    const { strings } = this.speech;
    if (overview.past === undefined) return h("p.empty", {}, strings.loading);
    const onclick = () => this.post({ kind: "run", command: "aiGateway.ask" });
    const ask = h("button.link", { type: "button", "data-key": "ask", onclick }, strings.ask);
    return h("p.empty", {}, strings.noQueries, " ", ask);
  }

  private moreButton(count: number): HTMLElement {
    const onclick = () => {
      this.shown += MORE;
      this.redraw();
    };
    const label = this.speech.fill(this.speech.strings.more, Math.min(count, MORE));
    return h("button.link.more", { type: "button", "data-key": "more", onclick }, label);
  }

  private row(query: PastQueryResult, overview: Overview): HTMLElement {
    const isOpen = this.open.has(query.query_id);
    const onclick = () => {
      if (!this.open.delete(query.query_id)) this.open.add(query.query_id);
      this.redraw();
    };
    const button = h(
      "button.row",
      { type: "button", "aria-expanded": String(isOpen), "data-key": query.query_id, onclick },
      icon("chevron"),
      h("span.when", {}, this.speech.moment(query.asked_at * 1000)),
      h("span.who", {}, ...this.who(query, overview)),
      h("span.way", {}, ...this.chips(query, overview)),
      h("span.took", {}, this.speech.took(query.elapsed_ms)),
      h("span.cost", {}, this.cost(query)),
    );
    return h("li", {}, button, isOpen ? this.details(query, overview) : null);
  }

  private who(query: PastQueryResult, { names }: Overview): Node[] {
    const { strings } = this.speech;
    if (query.outcome !== "answered" || query.provider === null) {
      const ended = {
        failed: strings.nobody,
        refused: strings.refused,
        cancelled: strings.cancelled,
        answered: strings.nobody,
      };
      const tone = query.outcome === "cancelled" ? "quiet" : "bad";
      return [
        icon(query.outcome === "cancelled" ? "stop" : "slash"),
        h(`span.${tone}` as "span", {}, ended[query.outcome]),
      ];
    }
    const model = query.model === null ? null : h("span.model", {}, query.model);
    const name = h("span", {}, names[query.provider] ?? query.provider);
    return [icon("check"), name, ...(model === null ? [] : [model])];
  }

  /** Who was passed over, in order, and what is unusual about the answer. */
  private chips(query: PastQueryResult, { names }: Overview): Node[] {
    const { strings } = this.speech;
    const passed = passedOver(query.attempts)
      .filter(({ outcome }) => outcome !== "cancelled")
      .map(({ provider, outcome, reason, is_rehearsal }) => {
        const name = names[provider] ?? provider;
        const why = this.why({ outcome, reason });
        const rehearsed = is_rehearsal ? ` (${strings.rehearsal})` : "";
        return h(
          `span.chip.${outcome}` as "span",
          { "data-tip": `${name} ${why}${rehearsed}` },
          name,
          h("span.hidden", {}, ` ${why}${rehearsed}`),
        );
      });
    const marks = [query.cached ? strings.fromCache : "", query.private ? strings.isPrivate : ""];
    return [...passed, ...marks.filter((text) => text !== "").map((text) => h("span.chip.note", {}, text))];
  }

  private cost(query: PastQueryResult): string {
    if (query.cost_usd === null) return "–";
    return query.cost_usd === 0 ? this.speech.strings.free : this.speech.usd(query.cost_usd);
  }

  private details(query: PastQueryResult, overview: Overview): HTMLElement {
    const { strings } = this.speech;
    const onclick = () => this.post({ kind: "explain", queryId: query.query_id });
    const trace = h("button.link", { type: "button", "data-key": `trace ${query.query_id}`, onclick }, strings.trace);
    return h(
      "div.details",
      {},
      query.attempts.length > 0 ? this.legs({ ...query, attempts: newsOf(query.attempts) }, overview) : null,
      h("p.facts", {}, this.facts(query)),
      trace,
    );
  }

  private facts(query: PastQueryResult): string {
    const { strings } = this.speech;
    const [read, written] = [query.input_tokens, query.output_tokens].map((count) => this.speech.count(count));
    return [
      query.first_token_ms === null
        ? ""
        : this.speech.fill(strings.firstTokenAfter, this.speech.took(query.first_token_ms)),
      this.speech.fill(strings.tokensOf, read ?? 0, written ?? 0),
      query.cost_usd === null ? strings.costUnknown : this.cost(query),
    ]
      .filter((fact) => fact !== "")
      .join(" · ");
  }

  /** Each attempt in a line, and how long it took of the whole. */
  private legs(query: PastQueryResult, { names }: Overview): HTMLElement {
    const rows = legsOf(query, 100).map((leg) => {
      const bar = h(`span.bar.${OUTCOME_STATES[leg.outcome]}` as "span");
      bar.style.marginInlineStart = `${leg.x}%`;
      bar.style.width = `${leg.width}%`;
      return h(
        "li.leg",
        {},
        icon(OUTCOME_ICONS[leg.outcome]),
        h("span.name", {}, names[leg.provider] ?? leg.provider),
        h("span.why", {}, this.why(leg)),
        h("span.track", { "aria-hidden": "true" }, bar),
        h("span.took", {}, leg.outcome === "skipped" ? "" : this.speech.took(leg.elapsedMs)),
      );
    });
    return h("ol.legs", {}, ...rows);
  }

  private why({ outcome, reason }: Pick<Leg, "outcome" | "reason">): string {
    const { answered, skipped, left } = this.speech.strings;
    if (reason !== null) return this.speech.reason(reason);
    return outcome === "answered" ? answered : outcome === "skipped" ? skipped : left;
  }
}
