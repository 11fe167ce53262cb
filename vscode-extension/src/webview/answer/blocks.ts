/** Markdown that grows: what can't change any more is rendered once, and only the end is parsed again. */

import { namesTargets, parsed, rendered, type Token } from "./markdown";

/** A block at the top level: a paragraph, a list, a block of code. */
export interface Block {
  readonly html: string;
  /** Of a block of code: what it says. */
  readonly code?: Code;
}

export interface Code {
  readonly language: string;
  readonly text: string;
}

/** What is new: blocks that stay as they are, and after them blocks that the next piece may change. */
export interface Growth {
  readonly settled: readonly Block[];
  readonly open: readonly Block[];
}

interface Placed extends Block {
  /** Where it begins, in characters. */
  readonly start: number;
}

const MAYBE_REFERENCE = /\[[^\]]+\]:/;

/** One text, as it comes in. */
export class GrowingMarkdown {
  private text = "";
  private settledTo = 0;

  append(piece: string): void {
    this.text += piece.replaceAll("\r", "");
  }

  /**
   * Render what came since the last time.
   *
   * A line that is not ended may still turn out to belong to the block before it, so that the last two blocks are
   * open then; otherwise only the last one is.
   */
  grow(): Growth {
    const blocks = blocksOf(this.text.slice(this.settledTo));
    const open = this.text.endsWith("\n") ? 1 : 2;
    const settled = Math.max(0, blocks.length - open);
    this.settledTo += blocks[settled]?.start ?? 0;
    return { settled: blocks.slice(0, settled), open: blocks.slice(settled) };
  }

  /** Whether the target of a link is named apart from it, maybe after it, so that all has to be rendered together. */
  get hasReferences(): boolean {
    return MAYBE_REFERENCE.test(this.text) && namesTargets(this.text);
  }

  /** Render all of it, as if it had come at once. */
  whole(): readonly Block[] {
    return blocksOf(this.text);
  }
}

function blocksOf(text: string): Placed[] {
  const starts = lineStarts(text);
  return groupsOf(parsed(text)).map((tokens) => ({ ...blockOf(tokens), start: starts[tokens[0]?.map?.[0] ?? 0] ?? 0 }));
}

function blockOf(tokens: Token[]): Block {
  const [token] = tokens;
  if (token?.type !== "fence" && token?.type !== "code_block") return { html: rendered(tokens) };
  const language = token.info.trim().split(/\s+/)[0] ?? "";
  return { html: rendered(tokens), code: { language, text: token.content.replace(/\n$/, "") } };
}

/** Put together what makes one block: a token of its own, or from an opening one to its closing one. */
function groupsOf(tokens: Token[]): Token[][] {
  const groups: Token[][] = [];
  let group: Token[] = [];
  for (const token of tokens) {
    group.push(token);
    if (token.level !== 0 || token.nesting === 1) continue;
    groups.push(group);
    group = [];
  }
  return groups;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}
