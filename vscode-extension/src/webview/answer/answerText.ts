/** The text of one answer in the page: at most one rendering per frame, and never more than a part of its time. */

import { h } from "../shared/dom";
import { GrowingMarkdown } from "./blocks";
import type { CodeActions } from "./code";
import { type ShownPart, show } from "./parts";

/** After a rendering, at least this many times as long as it took is left to everything else. */
const REST = 3;

export class AnswerText {
  readonly element = h("div.markdown");
  private markdown = new GrowingMarkdown();
  private raw = "";
  private open: readonly ShownPart[] = [];
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
    for (const part of this.open) part.settle();
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
    const { settled, open } = this.markdown.grow();
    const shown = show(this.element, this.open, [...settled, ...open], this.actions);
    for (const part of shown.slice(0, settled.length)) part.settle();
    this.open = shown.slice(settled.length);
  }

  private redraw(): void {
    this.element.replaceChildren();
    this.open = show(this.element, [], this.markdown.whole(), this.actions);
  }

  private clear(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.raw = "";
    this.markdown = new GrowingMarkdown();
    this.open = [];
    this.element.replaceChildren();
  }
}
