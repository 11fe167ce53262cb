/** Markdown of a model, rendered so that nothing of it can run, load or leave the page. */

import MarkdownIt from "markdown-it";

const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
const OPENED = /^(https?|mailto):/i;

export type Token = ReturnType<InstanceType<typeof MarkdownIt>["parse"]>[number];

/** Whether a link may be offered: to the web, to a mailbox, or to a file of the workspace. */
export function isOffered(href: string): boolean {
  return !SCHEME.test(href) ? !href.startsWith("//") : OPENED.test(href);
}

const markdown = new MarkdownIt({ html: false, linkify: false });
markdown.validateLink = isOffered;
Object.assign(markdown.renderer.rules, { image: described });

/** A picture is only named: it would be loaded from anywhere. */
function described(tokens: Token[], at: number): string {
  const token = tokens[at];
  const words = token?.content || String(token?.attrGet("src") ?? "");
  return `<span class="image">${markdown.utils.escapeHtml(words)}</span>`;
}

export function parsed(text: string): Token[] {
  return markdown.parse(text, {});
}

export function rendered(tokens: Token[]): string {
  return markdown.renderer.render(tokens, markdown.options, {});
}

/** Whether a text has lines such as `[1]: https://example.org`, which links elsewhere in it refer to. */
export function namesTargets(text: string): boolean {
  const found: NonNullable<Parameters<typeof markdown.parse>[1]> = {};
  markdown.parse(text, found);
  return Object.keys(found.references ?? {}).length > 0;
}
