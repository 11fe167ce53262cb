/** Streams that can't be taken back: where a tier broke off, a seam says that what stands above does not count. */

import type { QueryEvents } from "../server/gateway";
import type { Answerer } from "../status/names";

/** What a seam says; `from` broke off, `to` starts over. */
export type SeamWords = (from: Answerer, to: Answerer) => string;

const FENCE = /^ {0,3}(`{3,}|~{3,})/;

/**
 * Follows a query and writes its answer to somewhere that only ever grows. Only the first answerer is told of: VS Code's
 * chat folds away whatever stands before a message of progress, and so would hide the seam.
 */
export class SeamedStream implements QueryEvents {
  private shown = "";
  private by: Answerer | undefined;
  private brokeOff: Answerer | undefined;

  constructor(
    private readonly write: (text: string) => void,
    private readonly words: SeamWords,
    private readonly onFirst: (by: Answerer) => void = () => {},
  ) {}

  started(by: Answerer): void {
    if (this.by === undefined) this.onFirst(by);
    this.begin(by);
  }

  delta({ text }: { text: string }): void {
    if (!text) return;
    this.shown += text;
    this.write(text);
  }

  reset(): void {
    if (this.shown) this.brokeOff = this.by;
  }

  /** The whole answer is known: write what of it was not streamed, as that of an answer from the cache. */
  finish(answer: Answerer & { response: string }): void {
    this.begin(answer);
    if (answer.response.startsWith(this.shown)) this.delta({ text: answer.response.slice(this.shown.length) });
  }

  private begin(by: Answerer): void {
    this.by = by;
    if (this.brokeOff !== undefined) this.sew(this.brokeOff, by);
  }

  private sew(from: Answerer, to: Answerer): void {
    this.write(`${closingOf(this.shown)}\n\n---\n\n*${this.words(from, to)}*\n\n`);
    this.shown = "";
    this.brokeOff = undefined;
  }
}

/** Give what closes a block of code that a text leaves open, so that what follows is not taken for code. */
export function closingOf(markdown: string): string {
  let open: string | undefined;
  for (const line of markdown.split("\n")) {
    const fence = FENCE.exec(line)?.[1];
    if (open === undefined) open = fence;
    else if (fence?.startsWith(open) && line.trim() === fence) open = undefined;
  }
  return open === undefined ? "" : `\n${open}`;
}
