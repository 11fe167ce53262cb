/** Icons, drawn on 16 by 16 in the colour of the text: no font has to be loaded for them. */

const STROKES = {
  again: "M13 8a5 5 0 1 1-1.6-3.7M13.2 2.2v2.6h-2.6",
  alert: "M8 2.3 14.4 13.3H1.6zM8 6.3v3.4M8 11.3v.4",
  apply: "M3.5 2.5h9v11h-9zM8 4.8v4M6 6.8h4M6 11h4",
  attach: "M12.6 7.4 8 12a2.9 2.9 0 0 1-4.1-4.1l5-5a1.9 1.9 0 0 1 2.7 2.7l-4.9 4.9a.9.9 0 0 1-1.3-1.3l4.3-4.3",
  check: "M3 8.5 6.4 12 13 4.5",
  chevron: "M6 3.5 10.5 8 6 12.5",
  circle: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11z",
  clock: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 4.6V8l2.3 1.6",
  close: "M4 4l8 8M12 4l-8 8",
  cloud: "M4.6 12.5a3.1 3.1 0 0 1-.3-6.2 4 4 0 0 1 7.6 1.1 2.6 2.6 0 0 1-.3 5.1z",
  copilot: "M8 1.8 9.5 6.5 14.2 8 9.5 9.5 8 14.2 6.5 9.5 1.8 8 6.5 6.5z",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  down: "M8 3v10M3.8 8.8 8 13l4.2-4.2",
  explain: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM6.2 6.3a1.8 1.8 0 1 1 2.6 1.7c-.5.3-.8.6-.8 1.2M8 11.2v.3",
  file: "M3.5 1.8h5.3l3.7 3.7v8.7h-9zM8.5 1.8v4h4",
  insert: "M2 3.5h12M2 12.5h12M4 8h6.5M8.3 5.8 10.5 8l-2.2 2.2",
  key: "M9.6 9.2A3.4 3.4 0 1 0 6.8 6.4L2 11.2V14h2.6v-1.6h1.6v-1.6h1.6zM10.6 5.3v.2",
  loading: "M8 2a6 6 0 1 0 6 6",
  local: "M2.5 3h11v7.5h-11zM5.5 13.5h5M8 10.5v3",
  lock: "M3.5 7.2h9v6.3h-9zM5.3 7V5.2a2.7 2.7 0 0 1 5.4 0V7",
  newFile: "M8 14.2H3.5V1.8h5.3l3.7 3.7v2.7M8.5 1.8v4h4M11.8 10v4.5M9.5 12.2h4.6",
  pin: "M6 2h4l-.5 4.5L12 9H4l2.5-2.5zM8 9v5",
  send: "M8 13V3M3.8 7.2 8 3l4.2 4.2",
  sent: "M2 3.5h12v9H2zM2.3 4 8 8.8 13.7 4",
  signIn: "M9 2.5h4.5v11H9M2.5 8h7.3M7 5.2 9.8 8 7 10.8",
  skip: "M3.5 4 8 8l-4.5 4zM8 4l4.5 4L8 12z",
  slash: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM3.8 3.8l8.4 8.4",
  stop: "M4.5 4.5h7v7h-7z",
  takenBack: "M3.2 6.8h6.3a3.2 3.2 0 0 1 0 6.4H6M6 3.6 2.8 6.8 6 10",
  unlock: "M3.5 7.2h9v6.3h-9zM5.3 7V4.6a2.7 2.7 0 0 1 5.2-1",
} as const;

export type IconName = keyof typeof STROKES;

const SVG = "http://www.w3.org/2000/svg";

/** Draw an icon; it says nothing to a screen reader, so its button has to. */
export function icon(name: IconName): SVGElement {
  const drawing = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", STROKES[name]);
  drawing.setAttribute("viewBox", "0 0 16 16");
  drawing.setAttribute("class", `icon icon-${name}`);
  drawing.setAttribute("aria-hidden", "true");
  drawing.append(path);
  return drawing;
}
