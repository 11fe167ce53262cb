/** Parts of Markdown in the page: what stays the same is left alone, and with it what is selected there. */

import { h } from "../shared/dom";
import { type CodeActions, CodeBlock } from "./code";
import type { Part } from "./markdown";
import { morph } from "./morph";

/** Show these parts at the end of `parent`, in the places of those that stood there until now. */
export function show(
  parent: Element,
  before: readonly ShownPart[],
  parts: readonly Part[],
  actions: CodeActions,
): ShownPart[] {
  for (const stale of before.slice(parts.length)) stale.element.remove();
  return parts.map((part, at) => {
    const known = before[at];
    if (known?.become(part)) return known;
    const shown = new ShownPart(part, actions);
    if (known) known.element.replaceWith(shown.element);
    else parent.append(shown.element);
    return shown;
  });
}

export class ShownPart {
  readonly element: HTMLElement;
  private readonly code: CodeBlock | undefined;
  /** Where its text or its parts are. */
  private readonly content: HTMLElement;
  private inside: readonly ShownPart[] = [];
  private html = "";
  private settled = 0;

  constructor(
    private readonly part: Part,
    private readonly actions: CodeActions,
  ) {
    this.code = part.code && new CodeBlock(part.code.language, actions);
    this.content = this.code?.element ?? document.createElement(part.tag);
    if (part.start) this.content.setAttribute("start", part.start);
    this.element = part.tag === "table" ? h("div.scroller", { tabindex: 0 }, this.content) : this.content;
    this.fill(part);
  }

  /** Show a later version of it; false if that is something else. */
  become(part: Part): boolean {
    const { tag, start, code } = this.part;
    const isSame = part.tag === tag && part.start === start && part.code?.language === code?.language;
    if (isSame) this.fill(part);
    return isSame;
  }

  /** Nothing of it changes any more. */
  settle(): void {
    this.code?.settle();
    for (const part of this.inside) part.settle();
  }

  private fill({ code, className, html, parts, earlier }: Part): void {
    if (code) this.code?.show(code.text);
    else this.content.className = className;
    if (html !== this.html) morph(this.content, elementOf(html));
    this.html = html;
    const settled = this.inside.slice(0, earlier);
    for (const part of settled.slice(this.settled)) part.settle();
    this.settled = earlier;
    this.inside = [...settled, ...show(this.content, this.inside.slice(earlier), parts, this.actions)];
  }
}

function elementOf(html: string): HTMLElement {
  const element = h("div");
  element.innerHTML = html;
  return element;
}
