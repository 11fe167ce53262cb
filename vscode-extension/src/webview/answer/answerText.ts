/** The text of one answer in the page: at most one rendering per frame, and never more than a part of its time. */

import { h } from "../shared/dom";
import { type Block, GrowingMarkdown } from "./blocks";
import { type CodeActions, CodeBlock, nested } from "./code";
import { morph } from "./morph";

/** After a rendering, at least this many times as long as it took is left to everything else. */
const REST = 3;

interface Shown {
  readonly element: HTMLElement;
  readonly block: Block;
  readonly code?: CodeBlock;
}

export class AnswerText {
  readonly element = h("div.markdown");
  private markdown = new GrowingMarkdown();
  private raw = "";
  private open: Shown[] = [];
  private frame = 0;
  private notBefore = 0;

  constructor(
    private readonly actions: CodeActions,
    private readonly onGrown: () => void,
  ) {}

  append(piece: string): void {
    this.raw += piece;
    this.markdown.append(piece);
    if (this.frame === 0) this.frame = requestAnimationFrame(this.onFrame);
  }

  /** Show exactly this text, whatever was streamed. */
  set(text: string): void {
    if (text.startsWith(this.raw)) {
      if (text.length > this.raw.length) this.append(text.slice(this.raw.length));
      return;
    }
    this.clear();
    if (text) this.append(text);
  }

  /** Nothing comes any more. */
  settle(): void {
    this.draw();
    if (this.markdown.hasReferences) this.redraw();
    for (const shown of this.open) settled(shown);
  }

  private readonly onFrame = (now: number): void => {
    if (now < this.notBefore) {
      this.frame = requestAnimationFrame(this.onFrame);
      return;
    }
    const began = performance.now();
    this.draw();
    const ended = performance.now();
    this.notBefore = ended + (ended - began) * REST;
    this.onGrown();
  };

  private draw(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const { settled: done, open } = this.markdown.grow();
    const before = this.open;
    const shown = [...done, ...open].map((block, at) => this.put(block, before[at]));
    for (const stale of before.slice(shown.length)) stale.element.remove();
    for (const each of shown.slice(0, done.length)) settled(each);
    this.open = shown.slice(done.length);
  }

  private redraw(): void {
    this.element.replaceChildren();
    this.open = this.markdown.whole().map((block) => this.put(block, undefined));
  }

  private clear(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.raw = "";
    this.markdown = new GrowingMarkdown();
    this.open = [];
    this.element.replaceChildren();
  }

  /** Show a block, in the place of what stood for it until now. */
  private put(block: Block, before: Shown | undefined): Shown {
    if (before?.block.html === block.html) return before;
    if (block.code && before?.code && before.block.code?.language === block.code.language) {
      before.code.show(block.code.text);
      return { ...before, block };
    }
    const shown = this.made(block);
    if (before && !before.code && !shown.code) {
      morph(before.element, shown.element);
      return { ...before, block };
    }
    if (before) before.element.replaceWith(shown.element);
    else this.element.append(shown.element);
    return shown;
  }

  private made(block: Block): Shown {
    if (!block.code) return { element: this.elementOf(block.html), block };
    const code = new CodeBlock(block.code.language, this.actions);
    code.show(block.code.text);
    return { element: code.element, block, code };
  }

  private elementOf(html: string): HTMLElement {
    const element = h("div.block");
    element.innerHTML = html;
    for (const pre of element.querySelectorAll("pre")) {
      const { language, text } = nested(pre);
      const code = new CodeBlock(language, this.actions);
      code.show(text);
      pre.replaceWith(code.element);
      nestedBlocks.set(code.element, code);
    }
    for (const link of element.querySelectorAll("a")) link.title = link.getAttribute("href") ?? ""; // a model may name another
    for (const table of element.querySelectorAll("table")) {
      const scroller = h("div.scroller", { tabindex: 0 });
      table.replaceWith(scroller);
      scroller.append(table);
    }
    return element;
  }
}

const nestedBlocks = new WeakMap<Element, CodeBlock>();

function settled(shown: Shown): void {
  shown.code?.settle();
  for (const element of shown.element.querySelectorAll(".code")) nestedBlocks.get(element)?.settle();
}
