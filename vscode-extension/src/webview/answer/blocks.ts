/** Markdown that grows: what can't change any more is rendered once, and only the end is parsed again. */

import { namesTargets, type Part, partsOf, written } from "./markdown";

/** What is new: blocks that stay as they are, and after them blocks that the next piece may change. */
export interface Growth {
  readonly settled: readonly Part[];
  readonly open: readonly Part[];
}

/** A list, a quotation or a table of which the beginning is settled. */
interface Begun {
  readonly earlier: number;
  /** Lines to parse the rest after, which make one part: what follows belongs to the same block then. */
  readonly context: string;
}

const NOTHING: Begun = { earlier: 0, context: "" };

/** One text, as it comes in. */
export class GrowingMarkdown {
  private text = "";
  private settledTo = 0;
  private begun = NOTHING;
  /** How texts that may still change are rendered: nearly all of them stay the same. */
  private known = new Map<string, string>();

  append(piece: string): void {
    this.text += piece.replaceAll("\r", "");
  }

  /**
   * Render what came since the last time.
   *
   * A line that is not ended may still turn out to belong to the block before it, so that the last two blocks are
   * open then; otherwise only the last one is. So it is with the parts of a block that is the only open one.
   */
  grow(): Growth {
    const text = this.begun.context + this.text.slice(this.settledTo);
    const blocks = this.blocksOf(text);
    const spare = text.endsWith("\n") ? 1 : 2;
    const settled = blocks.slice(0, -spare);
    const open = blocks.slice(settled.length);
    const [first] = open;
    if (settled.length > 0 && first) this.settle(text, first, NOTHING);
    else if (open.length === 1 && first) this.settleWithin(text, first, spare);
    return { settled, open };
  }

  /** Whether the target of a link is named apart from it, maybe after it, so that all has to be rendered together. */
  get hasReferences(): boolean {
    return namesTargets(this.text);
  }

  /** Render all of it, as if it had come at once. */
  whole(): readonly Part[] {
    return partsOf(this.text);
  }

  private blocksOf(text: string): readonly Part[] {
    const { earlier, context } = this.begun;
    const blocks = this.render(text);
    const [first, ...others] = blocks;
    if (!first || !context) return blocks;
    return [{ ...first, earlier, parts: first.parts.slice(1) }, ...others];
  }

  private render(text: string): Part[] {
    const { known } = this;
    this.known = new Map();
    return partsOf(text, (words) => {
      const html = known.get(words) ?? written(words, {});
      this.known.set(words, html);
      return html;
    });
  }

  /** Settle all of the parsed text that stands before a part. */
  private settle(text: string, { line }: Part, begun: Begun): void {
    this.settledTo += startOf(text, line) - this.begun.context.length;
    this.begun = begun;
  }

  private settleWithin(text: string, block: Part, spare: number): void {
    const over = Math.max(0, block.parts.length - spare);
    const next = block.parts[over];
    const context = over > 0 ? contextOf(text) : "";
    if (!next || !context) return;
    this.settle(text, next, { earlier: block.earlier + over, context });
  }
}

const MARKER = /^ *([-+*]|\d+[.)])/;

/**
 * Make the shortest block like the first one of a text, for the last parts of that to follow.
 *
 * A line that is not ended may only seem to be an item, so that it has no say in how items are spaced. An item is
 * written so that no line of a later one belongs to it, and with its own number, which the list begins with.
 */
function contextOf(text: string): string {
  const [block] = partsOf(text.slice(0, text.lastIndexOf("\n") + 1), () => "");
  const lines = text.slice(startOf(text, block?.line ?? 0));
  if (block?.tag === "blockquote") return "> x\n>\n";
  if (block?.tag === "table") return lines.slice(0, startOf(lines, 2));
  const marker = block?.className && MARKER.exec(lines)?.[1];
  return marker ? `   ${marker} x\n${block.className === "loose" ? "\n" : ""}` : "";
}

/** Where a line begins, in characters. */
function startOf(text: string, line: number): number {
  let start = 0;
  for (let at = 0; at < line; at += 1) start = text.indexOf("\n", start) + 1;
  return start;
}
