/** How often the cache helped. */

import { type HitBar, hitRateOf, hitsOf } from "../../dashboard/figures";
import { h } from "../shared/dom";
import { canvas, framed } from "./figure";
import type { Overview } from "./messages";
import type { Speech } from "./speech";
import { mark, picture, s } from "./svg";

const DAYS = 30;
const HEIGHT = 36;

/** Draw it. */
export function cacheFigure(overview: Overview, speech: Speech): HTMLElement {
  const { strings } = speech;
  const frame = framed("cache", strings.cache, speech.fill(strings.lastDays, DAYS));
  const cache = overview.past?.history.cache ?? [];
  const rate = hitRateOf(cache);
  if (rate === undefined) {
    frame.append(h("p.empty", {}, overview.past === undefined ? strings.loading : strings.noCache));
    return frame;
  }
  const hits = cache.reduce((sum, day) => sum + day.hits, 0);
  const asked = cache.reduce((sum, day) => sum + day.hits + day.misses, 0);
  const told = speech.fill(strings.hits, speech.count(hits), speech.count(asked));
  frame.append(
    h("p.rate", {}, h("strong", {}, speech.percent(rate)), " ", h("span.note", {}, told)),
    canvas("cache", (width) => {
      const bars = hitsOf(cache, { today: new Date(), days: DAYS, width, height: HEIGHT });
      const ground = s("line.ground-line", { x1: 0, x2: width, y1: HEIGHT + 0.5, y2: HEIGHT + 0.5 });
      return picture(
        strings.cache,
        told,
        { width, height: HEIGHT + 1 },
        ground,
        ...bars.map((bar) => hitMark(bar, speech)),
      );
    }),
  );
  return frame;
}

function hitMark({ date, hits, misses, x, width, height }: HitBar, speech: Speech): SVGGElement {
  const told = speech.fill(speech.strings.cacheDay, speech.date(date), hits, hits + misses);
  return mark(
    told,
    {},
    s("rect.whole-day", { x, y: 0, width, height: HEIGHT }),
    s("rect.hits", { x, y: HEIGHT - height, width, height }),
  );
}
