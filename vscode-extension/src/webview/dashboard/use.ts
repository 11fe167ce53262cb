/** What each day was used for: tokens, cost or queries, by provider; as a picture or as a table. */

import { type Bars, barsOf, type DayBar, type Measure, rowsOf, totalOf } from "../../dashboard/figures";
import type { DayResult } from "../../generated/messages";
import { h } from "../shared/dom";
import { canvas, framed, legend } from "./figure";
import type { Overview } from "./messages";
import { filled, SERIES, swatch } from "./patterns";
import type { Speech } from "./speech";
import { mark, picture, s } from "./svg";

const DAYS = 30;
const HEIGHT = 108;
const ABOVE = 8;
const AXIS = 20;
const LABEL = 46;
const LABEL_HALF = 19;

/** Draws it, and remembers what the person wants to see. */
export class UseFigure {
  private measure: Measure = "tokens";
  private isTable = false;

  constructor(
    private readonly speech: Speech,
    private readonly redraw: () => void,
  ) {}

  draw(overview: Overview): HTMLElement {
    const { strings } = this.speech;
    const note = this.speech.fill(strings.lastDays, DAYS);
    const frame = framed("use", strings.use, note, this.choices());
    const days = overview.past?.history.days ?? [];
    if (totalOf(days, "queries") + totalOf(days, "tokens") === 0) {
      const empty = overview.past === undefined ? strings.loading : this.speech.fill(strings.noUse, DAYS);
      frame.append(h("p.empty", {}, empty));
      return frame;
    }
    const order = orderOf(overview, days);
    frame.append(this.isTable ? this.table(days, order, overview) : this.chart(days, order, overview));
    return frame;
  }

  private choices(): HTMLElement {
    const { tokens, cost, queries, chart, table } = this.speech.strings;
    const measures: [Measure, string][] = [
      ["tokens", tokens],
      ["cost", cost],
      ["queries", queries],
    ];
    return h(
      "div.choices",
      {},
      group(
        measures.map(([measure, text]) => this.choice(text, this.measure === measure, () => (this.measure = measure))),
      ),
      group([
        this.choice(chart, !this.isTable, () => (this.isTable = false)),
        this.choice(table, this.isTable, () => (this.isTable = true)),
      ]),
    );
  }

  private choice(text: string, isChosen: boolean, choose: () => void): HTMLElement {
    const onclick = () => {
      choose();
      this.redraw();
    };
    return h(
      "button.choice",
      { type: "button", "aria-pressed": String(isChosen), "data-key": `use ${text}`, onclick },
      text,
    );
  }

  private chart(days: readonly DayResult[], order: readonly string[], overview: Overview): HTMLElement {
    return h(
      "div",
      {},
      canvas("use", (width) => {
        const view = { today: new Date(), days: DAYS, order, width: width - LABEL, height: HEIGHT };
        return this.drawn(barsOf(days, this.measure, view), width, order, overview);
      }),
      legend(
        ...order.map((provider) => ({
          sample: swatch(seriesOf(provider, order)),
          text: overview.names[provider] ?? provider,
        })),
      ),
    );
  }

  private drawn(bars: Bars, width: number, order: readonly string[], overview: Overview): SVGSVGElement {
    const { strings } = this.speech;
    const lines = bars.ticks.map(({ at, value }) =>
      s(
        "g.tick",
        { "aria-hidden": "true" },
        s("line", { x1: LABEL, x2: width, y1: ABOVE + at, y2: ABOVE + at }),
        s(
          "text.axis",
          { x: LABEL - 6, y: ABOVE + at + 4, "text-anchor": "end" },
          this.speech.short(value, this.measure),
        ),
      ),
    );
    const dates = bars.dates.map(({ at, date }) =>
      s(
        "text.axis",
        {
          x: Math.min(LABEL + at, width - LABEL_HALF),
          y: ABOVE + HEIGHT + 15,
          "text-anchor": "middle",
          "aria-hidden": "true",
        },
        this.speech.date(date),
      ),
    );
    const marks = bars.bars.filter(({ total }) => total > 0).map((bar) => this.bar(bar, order, overview));
    const told = `${strings.use}, ${this.measureWord()}`;
    return picture(
      told,
      this.speech.fill(strings.lastDays, DAYS),
      { width, height: ABOVE + HEIGHT + AXIS },
      ...lines,
      ...dates,
      ...marks,
    );
  }

  private bar({ date, x, width, total, pieces }: DayBar, order: readonly string[], { names }: Overview): SVGGElement {
    const each = pieces.map(
      ({ provider, value }) => `${names[provider] ?? provider} ${this.speech.amount(value, this.measure)}`,
    );
    const sum = pieces.length > 1 ? `${this.speech.amount(total, this.measure)} (${each.join(", ")})` : (each[0] ?? "");
    return mark(
      `${this.speech.date(date)}: ${sum}`,
      {},
      s("rect.reach", { x: LABEL + x - 2, y: ABOVE, width: width + 4, height: HEIGHT }),
      ...pieces.map(({ provider, y, height }) =>
        filled(seriesOf(provider, order), { x: LABEL + x, y: ABOVE + y, width, height: Math.max(height, 1) }),
      ),
    );
  }

  private table(days: readonly DayResult[], order: readonly string[], { names }: Overview): HTMLElement {
    const { strings } = this.speech;
    const amount = (value: number) => h("td", {}, value === 0 ? "–" : this.speech.amount(value, this.measure));
    const rows = rowsOf(days, this.measure, order).map(({ date, values }) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, this.speech.date(date)),
        ...values.map(amount),
        amount(values.reduce((total, value) => total + value, 0)),
      ),
    );
    const head = [strings.day, ...order.map((provider) => names[provider] ?? provider), strings.total];
    return h(
      "div.scroller",
      { tabindex: 0, role: "region", "aria-label": `${strings.use}, ${this.measureWord()}` },
      h(
        "table",
        {},
        h("caption.hidden", {}, `${strings.use}, ${this.measureWord()}`),
        h("thead", {}, h("tr", {}, ...head.map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", {}, ...rows),
      ),
    );
  }

  private measureWord(): string {
    const { tokens, cost, queries } = this.speech.strings;
    return { tokens, cost, queries }[this.measure];
  }
}

const group = (choices: readonly HTMLElement[]): HTMLElement => h("div.choice-group", { role: "group" }, ...choices);

const seriesOf = (provider: string, order: readonly string[]): string => `series-${order.indexOf(provider) % SERIES}`;

/** Whoever did anything, as they are asked; those that are not asked any more come last. */
function orderOf(overview: Overview, days: readonly DayResult[]): string[] {
  const active = new Set(days.map(({ provider }) => provider));
  const asked = overview.cards.map(({ provider }) => provider).filter((provider) => active.has(provider));
  return [...new Set([...asked, ...active])];
}
