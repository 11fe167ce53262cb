/** Streams that can't be taken back: where a tier broke off, a seam says that what stands above does not count. */

import type { QueryEvents } from "../server/gateway";

/** What a seam says; `from` broke off, `to` starts over. */
export type SeamWords = (from: string, to: string) => string;

interface Answerer {
  readonly provider: string;
  readonly model?: string | null;
}

const FENCE = /^ {0,3}(`{3,}|~{3,})/;

/** Follows a query and writes its answer to somewhere that only ever grows. */
export class SeamedStream implements QueryEvents {
  private shown = "";
  private by = "";
  private brokeOff: string | undefined;

  constructor(
    private readonly write: (text: string) => void,
    private readonly words: SeamWords,
    private readonly onStarted: (by: string) => void = () => {},
  ) {}

  started(by: Answerer): void {
    this.by = nameOf(by);
    if (this.brokeOff !== undefined) this.sew(this.brokeOff);
    this.onStarted(this.by);
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
    this.by = nameOf(answer);
    if (this.brokeOff !== undefined) this.sew(this.brokeOff);
    if (answer.response.startsWith(this.shown)) this.delta({ text: answer.response.slice(this.shown.length) });
  }

  private sew(from: string): void {
    this.write(`${closingOf(this.shown)}\n\n---\n\n*${this.words(from, this.by)}*\n\n`);
    this.shown = "";
    this.brokeOff = undefined;
  }
}

function nameOf({ provider, model }: Answerer): string {
  return model ? `${provider} (${model})` : provider;
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
