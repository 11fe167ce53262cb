/** Drawings from a few words, as `h` makes elements. */

const NAMESPACE = "http://www.w3.org/2000/svg";

type Attributes = { readonly [name: string]: string | number | undefined };

/** Make an SVG element: `s("rect.bar", { x, y })`; classes stand after the tag. */
export function s<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag | `${Tag}.${string}`,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): SVGElementTagNameMap[Tag] {
  const [name, ...classes] = tag.split(".") as [Tag, ...string[]];
  const element = document.createElementNS(NAMESPACE, name);
  if (classes.length > 0) element.setAttribute("class", classes.join(" "));
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(attribute, String(value));
  }
  element.append(...children);
  return element;
}

/** A part of a picture that has something to tell: it can be pointed at and reached by the arrow keys. */
export function mark(label: string, attributes: Attributes, ...children: Node[]): SVGGElement {
  return s(
    "g.mark",
    { role: "img", "aria-label": label, "data-tip": label, "data-key": label, tabindex: -1, ...attributes },
    ...children,
  );
}

/** A picture; its marks are one stop for the Tab key. */
export function picture(
  title: string,
  description: string,
  size: { width: number; height: number },
  ...children: Node[]
): SVGSVGElement {
  const { width, height } = size;
  const root = s(
    "svg.picture",
    { role: "group", "aria-label": title, width, height, viewBox: `0 0 ${width} ${height}` },
    s("title", {}, title),
    s("desc", {}, description),
    ...children,
  );
  walkable(root);
  return root;
}

const STEPS: Readonly<Record<string, (at: number, last: number) => number>> = {
  ArrowRight: (at, last) => Math.min(at + 1, last),
  ArrowDown: (at, last) => Math.min(at + 1, last),
  ArrowLeft: (at) => Math.max(at - 1, 0),
  ArrowUp: (at) => Math.max(at - 1, 0),
  Home: () => 0,
  End: (_, last) => last,
};

function walkable(root: SVGSVGElement): void {
  const marks = [...root.querySelectorAll<SVGGElement>(".mark")];
  const stop = (at: number) => {
    for (const [index, each] of marks.entries()) each.setAttribute("tabindex", index === at ? "0" : "-1");
  };
  stop(marks.length - 1); // the latest
  root.addEventListener("keydown", (event) => {
    const at = marks.indexOf(event.target as SVGGElement);
    const next = STEPS[event.key]?.(at, marks.length - 1);
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    stop(next);
    marks[next]?.focus();
  });
}
