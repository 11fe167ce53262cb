/** A frame around a picture: its title, what it shows, and drawing anew when there is another width. */

import { h, refill } from "../shared/dom";

/** How much room a picture needs to be worth drawing. */
const LEAST_WIDTH = 160;

/** A section with a heading; `extras` stand beside it. */
export function framed(name: string, title: string, note: string, ...extras: (Node | null)[]): HTMLElement {
  const id = `${name}-title`;
  return h(
    "section.figure",
    { "aria-labelledby": id, "data-figure": name },
    h("header", {}, h("h2", { id }, title), note === "" ? null : h("span.note", {}, note), ...extras),
  );
}

/** How wide each picture was last, so that the next one of its name is there at once, and nothing jumps. */
const widths = new Map<string, number>();

/** A place for a picture as wide as there is room; drawn anew whenever that changes. */
export function canvas(name: string, draw: (width: number) => Node): HTMLElement {
  const element = h("div.canvas");
  const drawFor = (width: number) => {
    widths.set(name, width);
    refill(element, draw(width));
  };
  const width = widths.get(name);
  if (width !== undefined) drawFor(width);
  const watching = new ResizeObserver(() => {
    if (!element.isConnected) return watching.disconnect();
    const room = Math.floor(element.clientWidth);
    if (room >= LEAST_WIDTH && (room !== widths.get(name) || element.childElementCount === 0)) drawFor(room);
  });
  watching.observe(element);
  return element;
}

/** What the colours and patterns mean. */
export function legend(...entries: { sample: Node; text: string }[]): HTMLElement {
  return h("ul.legend", {}, ...entries.map(({ sample, text }) => h("li", {}, sample, text)));
}
