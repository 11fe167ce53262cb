/** How long answers take: for each provider, to the first token and to the end. */

import { type Range, rangesOf } from "../../dashboard/figures";
import { h } from "../shared/dom";
import { canvas, framed, legend } from "./figure";
import type { Overview } from "./messages";
import { filled, swatch } from "./patterns";
import type { Speech } from "./speech";
import { mark, picture, s } from "./svg";

const LABEL = 112;
const ROW = 34;
const BAR = 10;
const AXIS = 18;
const EDGE = 20;
const LEAST = 3;

/** Draw it. */
export function latencyFigure(overview: Overview, speech: Speech): HTMLElement {
  const { strings } = speech;
  const frame = framed("latency", strings.latency, strings.latencyNote);
  const providers = overview.past?.metrics.providers ?? {};
  const order = overview.cards.map((card) => card.provider);
  if (rangesOf(providers, order, 1).rows.length === 0) {
    frame.append(h("p.empty", {}, overview.past === undefined ? strings.loading : strings.noLatency));
    return frame;
  }
  frame.append(
    canvas("latency", (width) => {
      const ranges = rangesOf(providers, order, width - LABEL - EDGE);
      const height = ranges.rows.length * ROW;
      const axis = ranges.ticks.map(({ at, value }) => tick(LABEL + at, height, speech.took(value)));
      const told: string[] = [];
      const rows = ranges.rows.map((row, index) => {
        const name = overview.names[row.provider] ?? row.provider;
        told.push(...row.ranges.map((range) => words(name, range, speech)));
        return s(
          "g.lane",
          {},
          s("text.label", { x: 0, y: index * ROW + ROW / 2 + 4 }, name),
          ...row.ranges.map((range) => rangeMark(name, range, index * ROW, speech)),
        );
      });
      return picture(strings.latency, told.join("; "), { width, height: height + AXIS }, ...axis, ...rows);
    }),
    legend(
      { sample: swatch("firstToken"), text: strings.firstToken },
      { sample: swatch("whole"), text: strings.wholeAnswer },
      { sample: rangeSample(), text: strings.rangeLegend },
    ),
  );
  return frame;
}

function rangeMark(name: string, range: Range, top: number, speech: Speech): SVGGElement {
  const y = top + ROW / 2 + (range.measure === "firstToken" ? -BAR - 1.5 : 1.5);
  const x = LABEL + range.from;
  const width = Math.max(range.to - range.from, LEAST);
  const end = LABEL + Math.max(range.end, range.from + width);
  const middle = y + BAR / 2;
  return mark(
    words(name, range, speech),
    {},
    s("rect.reach", { x: x - 4, y: y - 1, width: end - x + 8, height: BAR + 2 }),
    s("line.tail", { x1: x, x2: end, y1: middle, y2: middle }),
    s("line.tail", { x1: end, x2: end, y1: middle - 3, y2: middle + 3 }),
    filled(range.measure, { x, y, width, height: BAR, rx: 1 }),
  );
}

function words(name: string, { measure, p50, p95, p99 }: Range, speech: Speech): string {
  const { strings } = speech;
  const what = measure === "firstToken" ? strings.firstToken : strings.wholeAnswer;
  const [half, most] = [speech.took(p50), speech.took(p95)];
  return p99 === null
    ? speech.fill(strings.range, name, what, half, most)
    : speech.fill(strings.rangeWithSlowest, name, what, half, most, speech.took(p99));
}

function rangeSample(): SVGSVGElement {
  return s(
    "svg.swatch",
    { width: 28, height: 12, "aria-hidden": "true" },
    s("line.tail", { x1: 2, x2: 27, y1: 6, y2: 6 }),
    s("line.tail", { x1: 27, x2: 27, y1: 3, y2: 9 }),
    filled("whole", { x: 0, y: 2, width: 15, height: 8, rx: 1 }),
  );
}

function tick(x: number, height: number, text: string): SVGGElement {
  return s(
    "g.tick",
    { "aria-hidden": "true" },
    s("line", { x1: x, x2: x, y1: 0, y2: height }),
    s("text.axis", { x, y: height + AXIS - 5, "text-anchor": "middle" }, text),
  );
}
