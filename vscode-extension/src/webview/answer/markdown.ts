/** Markdown of a model as parts of a page, made so that nothing of it can run, load or leave the page. */

import MarkdownIt from "markdown-it";

/** An element: it has text in it, or parts, or code. */
export interface Part {
  readonly tag: string;
  /** Of a list: "tight" or "loose", as far as it has paragraphs; of a cell: "left", "center" or "right". */
  readonly className: string;
  /** Of a list: the number that it begins with. */
  readonly start: string;
  /** The line it begins at. */
  readonly line: number;
  /** Its text, with emphasis and links. */
  readonly html: string;
  readonly parts: readonly Part[];
  /** So many parts stand before these already, and stay as they are. */
  readonly earlier: number;
  readonly code?: Code;
}

export interface Code {
  readonly language: string;
  readonly text: string;
}

/** Links' targets that are named apart from them, as by `[1]: https://example.org`. */
export type Targets = NonNullable<Parameters<typeof markdown.renderInline>[1]>;

interface Growing extends Part {
  className: string;
  html: string;
  readonly parts: Growing[];
}

type Token = ReturnType<InstanceType<typeof MarkdownIt>["parse"]>[number];

/** So many signs in one paragraph are no markup; to look for what they might mean takes the square of them. */
const MOST_SIGNS = 5000;
const SIGN = /[[\]!*_~`<>&\\]/g;
const NO_PARTS = new Set(["reference_definition", "thead_open", "thead_close", "tbody_open", "tbody_close"]);
const EMPTY = { tag: "", className: "", start: "", line: 0, html: "", earlier: 0 };
const AUTOLINKED = /^(https?|mailto):/i;

const markdown = new MarkdownIt({ html: false, linkify: false });
const { escapeHtml } = markdown.utils;
markdown.validateLink = () => true; // nothing follows it but the extension, which looks at each
Object.assign(markdown.renderer.rules, { image: described, link_open: linked, link_close: linkEnded });

/** Parse a text; `write` renders what stands in a block, from what links of the whole text refer to. */
export function partsOf(text: string, write: (text: string, targets: Targets) => string = written): Part[] {
  const { tokens, targets } = blocks(text);
  const top: Growing = { ...EMPTY, parts: [] };
  const open = [top];
  for (const token of tokens) {
    const within = open.at(-1) ?? top;
    if (token.nesting < 0) open.pop();
    else if (token.type === "inline") within.html = write(token.content, targets);
    else {
      const part = partOf(token);
      within.parts.push(part);
      if (token.nesting > 0) open.push(part);
      if (part.tag === "p") noteTightness(open.at(-3), token.hidden);
    }
  }
  return top.parts;
}

/** A list is set apart by how its paragraphs are spaced, and not by having none, so that it may still change. */
function noteTightness(list: Growing | undefined, isTight: boolean): void {
  if (list?.tag === "ul" || list?.tag === "ol") list.className = isTight ? "tight" : "loose";
}

/** Whether a text names targets of links apart from them. */
export function namesTargets(text: string): boolean {
  return text.includes("]:") && blocks(text).targets.references !== undefined;
}

/** Render the text of a block. */
export function written(text: string, targets: Targets): string {
  return isTangled(text) ? escapeHtml(text) : markdown.renderInline(text, targets);
}

function isTangled(text: string): boolean {
  return text.length > MOST_SIGNS && (text.match(SIGN)?.length ?? 0) > MOST_SIGNS;
}

function blocks(text: string): { tokens: Token[]; targets: Targets } {
  const tokens: Token[] = [];
  const targets: Targets = {};
  markdown.block.parse(text, markdown, targets, tokens);
  return { tokens: tokens.filter(({ type }) => !NO_PARTS.has(type)), targets };
}

function partOf(token: Token): Growing {
  const className = /\w+$/.exec(attribute(token, "style"))?.[0] ?? ""; // the page allows no style of a cell's own
  const at = { className, start: attribute(token, "start"), line: token.map?.[0] ?? 0 };
  const part = { ...EMPTY, ...at, tag: token.tag, parts: [] };
  if (token.type !== "fence" && token.type !== "code_block") return part;
  const language = token.info.trim().split(/\s+/)[0] ?? "";
  return { ...part, code: { language, text: token.content.replace(/\n$/, "") } };
}

function attribute(token: Token | undefined, name: string): string {
  return String(token?.attrGet(name) ?? "");
}

/** A picture is only named: it would be loaded from anywhere. */
function described(tokens: Token[], at: number): string {
  const token = tokens[at];
  return `<span class="image">${escapeHtml(token?.content || attribute(token, "src"))}</span>`;
}

/** A link has nothing that a browser could follow; its title says where it leads, as a model may name another. */
function linked(tokens: Token[], at: number): string {
  if (isNoLink(tokens[at])) return "&lt;";
  const target = escapeHtml(attribute(tokens[at], "href"));
  return `<a href="#" data-href="${target}" title="${target}">`;
}

function linkEnded(tokens: Token[], at: number): string {
  return isNoLink(tokens[at - 2]) ? "&gt;" : "</a>";
}

/** `<key:value>` is rather said of types than a link. */
function isNoLink(token: Token | undefined): boolean {
  return token?.info === "auto" && !AUTOLINKED.test(attribute(token, "href"));
}
