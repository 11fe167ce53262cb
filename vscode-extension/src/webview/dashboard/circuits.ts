/** What the circuits did in the last hours: a strip for each provider. */

import { type Stretch, timelineOf } from "../../dashboard/figures";
import type { BreakerState } from "../../generated/messages";
import { h } from "../shared/dom";
import { canvas, framed, legend } from "./figure";
import type { Overview } from "./messages";
import { filled, swatch } from "./patterns";
import type { Speech } from "./speech";
import { mark, picture, s } from "./svg";

const HOURS = 24;
const LABEL = 112;
const LANE = 24;
const AXIS = 18;
const EDGE = 8;
/** A closed circuit is a line, one that is not closed stands out. */
const HEIGHTS: Readonly<Record<BreakerState, number>> = { closed: 4, half_open: 10, open: 16 };

/** Draw it. */
export function circuitFigure(overview: Overview, speech: Speech): HTMLElement {
  const { strings } = speech;
  const frame = framed("circuits", strings.circuits, strings.lastDay);
  const history = overview.past?.history;
  const states = (history?.states ?? []).filter(({ reason }) => reason !== "not_configured");
  if (history === undefined || states.length === 0) {
    frame.append(h("p.empty", {}, history === undefined ? strings.loading : strings.noUse));
    return frame;
  }
  const now = Date.now();
  frame.append(
    canvas("circuits", (width) => {
      const line = timelineOf(states, history.transitions, { now, hours: HOURS, width: width - LABEL - EDGE });
      const height = line.lanes.length * LANE;
      const axis = line.ticks.map(({ at, value }) => tick(LABEL + at, height, speech.time(value)));
      const lanes = line.lanes.map(({ provider, stretches }, index) =>
        lane(index * LANE, overview.names[provider] ?? provider, stretches, speech),
      );
      const told = line.lanes.map(({ provider, stretches }) => {
        const last = stretches.at(-1);
        return `${overview.names[provider] ?? provider}: ${last === undefined ? "" : stateWord(last.state, speech)}`;
      });
      return picture(strings.circuits, told.join("; "), { width, height: height + AXIS }, ...axis, ...lanes);
    }),
    legend(
      ...(["closed", "half_open", "open"] as const).map((state) => ({
        sample: swatch(state),
        text: stateWord(state, speech),
      })),
    ),
  );
  return frame;
}

function lane(y: number, name: string, stretches: readonly Stretch[], speech: Speech): SVGGElement {
  const middle = y + LANE / 2;
  return s(
    "g.lane",
    {},
    s("text.label", { x: 0, y: middle + 4 }, name),
    ...stretches.map(({ x, width, from, to, state, reason }) => {
      const height = HEIGHTS[state];
      const word =
        stateWord(state, speech) + (reason === null || state === "closed" ? "" : ` (${speech.reason(reason)})`);
      const told = speech.fill(speech.strings.stretch, name, word, speech.time(from), speech.time(to));
      const around = s("rect.reach", { x: LABEL + x, y, width, height: LANE });
      return mark(told, {}, around, filled(state, { x: LABEL + x, y: middle - height / 2, width, height }));
    }),
  );
}

function tick(x: number, height: number, time: string): SVGGElement {
  return s(
    "g.tick",
    { "aria-hidden": "true" },
    s("line", { x1: x, x2: x, y1: 0, y2: height }),
    s("text.axis", { x, y: height + AXIS - 5, "text-anchor": "middle" }, time),
  );
}

function stateWord(state: BreakerState, { strings }: Speech): string {
  return { closed: strings.closed, half_open: strings.halfOpen, open: strings.open }[state];
}
