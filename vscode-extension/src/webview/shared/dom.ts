/** Elements from a few words: what a framework would be used for here, as only streamed text changes often. */

type Child = Node | string | undefined | false | null;

/** Attributes by name; `on…` are listeners. One that is undefined or false is left out, true is an empty one. */
export type Attributes = { readonly [name: string]: string | number | boolean | undefined | ((event: never) => void) };

/** Make an element: `h("button.icon", { type: "button", onclick }, "Copy")`; classes stand after the tag. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag | `${Tag}.${string}`,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const [name, ...classes] = tag.split(".") as [Tag, ...string[]];
  const element = document.createElement(name);
  if (classes.length > 0) element.className = classes.join(" ");
  set(element, attributes);
  put(element, ...children);
  return element;
}

/** Set attributes as `h` does; one that is undefined or false goes. */
export function set(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else if (value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Put children at the end. */
export function put(element: Element, ...children: Child[]): void {
  for (const child of children) if (child) element.append(child);
}

/** Put these children in the place of all there are. */
export function refill(element: Element, ...children: Child[]): void {
  element.replaceChildren(...children.filter((child): child is Node | string => Boolean(child)));
}
