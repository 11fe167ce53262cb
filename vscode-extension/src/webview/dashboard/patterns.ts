/** What tells series and states apart besides their colour. */

import { s } from "./svg";

/** So many series look different; the next ones begin again. */
export const SERIES = 6;

const TILE = 6;
const STROKES: Readonly<Record<string, string>> = {
  "series-1": "M-1 7L7-1M-1 1L1-1M5 7L7 5",
  "series-2": "M3 0V6",
  "series-3": "M0 3H6",
  "series-4": "M-1 7L7-1M-1-1L7 7",
  "series-5": "M-1-1L7 7M-1 5L1 7M5-1L7 1",
  half_open: "M-1 7L7-1M-1 1L1-1M5 7L7 5",
  open: "M-1 7L7-1M-1-1L7 7",
};

/** Define the patterns; once for the page. */
export function patterns(): SVGSVGElement {
  const all = Object.entries(STROKES).map(([name, d]) =>
    s(
      "pattern",
      { id: `pattern-${name}`, width: TILE, height: TILE, patternUnits: "userSpaceOnUse" },
      s("path.strokes", { d }),
    ),
  );
  return s("svg.definitions", { width: 0, height: 0, "aria-hidden": "true" }, s("defs", {}, ...all));
}

/** A rectangle of a series or a state, in its colour and its pattern. */
export function filled(
  name: string,
  box: { x: number; y: number; width: number; height: number; rx?: number },
): SVGGElement {
  const overlay = name in STROKES ? [s("rect", { ...box, fill: `url(#pattern-${name})` })] : [];
  return s(`g.filled.${name}`, {}, s("rect.ground", box), ...overlay);
}

/** A small sample for a legend. */
export const swatch = (name: string): SVGSVGElement =>
  s(
    "svg.swatch",
    { width: 12, height: 12, "aria-hidden": "true" },
    filled(name, { x: 0.5, y: 0.5, width: 11, height: 11, rx: 2 }),
  );
