import MarkdownIt from "markdown-it";
import { describe, expect, it } from "vitest";
import { GrowingMarkdown } from "../../src/webview/answer/blocks";
import { type Part, partsOf } from "../../src/webview/answer/markdown";

const FRAGMENTS = [
  "word",
  "two words",
  "`code`",
  "**bold**",
  "*em",
  "[a](http://x.org)",
  "[a]: http://x.org",
  "- ",
  "  - ",
  "1. ",
  "> ",
  "# ",
  "#",
  "```",
  "```py\n",
  "~~~",
  "    ",
  "\n",
  "\n",
  "\n",
  "\n\n",
  "---",
  "===",
  "| a | b |",
  "a | b",
  "--|--",
  "|--|--|",
  "<b>",
  "\\",
  "\t",
  "* * *",
  "1",
  ".",
  " ",
  "-",
  "\r\n",
  "![i](http://x.org/i.png)",
  "&amp;",
];
/** Lines of lists, tables and quotations, and what ends them or only seems to. */
const LINES = [
  ..."- item|- [ ] item|-|- - deep|  - inner|    - third|   - odd|* star|+ plus|-\ttab".split("|"),
  ..."1. one|2. two|7. seven|1) other|10. ten|   1. inner|3".split("|"),
  ..."> said|> - said|> 1. said|>|> > twice|> ```|> | a |>     code".split("|"),
  ...["| a | b |", "| :-- | --: |", "- a | b", "--|--", "| **c** | `d` |", "> a | b", "| only |", "a \\| b"],
  ..."more|  more|    more|      more|# head|- # head|---|===|- - -|```|  ```|- ```py|    code".split("|"),
  ...["", "", "", "", "  ", "[r]: http://y.org", "see [r]", "- [r]", "  [r]: http://z.org", "> [r]: http://q.org"],
];
const RUNS = 1000;
/** So many that what takes the square of them never ends. */
const SIGNS = 400_000;
const HANG_MILLISECONDS = 10_000;

/** Numbers that look random, and are the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function textOf(next: (below: number) => number): string {
  const [said, between] = next(2) === 0 ? [FRAGMENTS, ""] : [LINES, "\n"];
  return Array.from({ length: 3 + next(40) }, () => said[next(said.length)]).join(between);
}

function piecesOf(text: string, next: (below: number) => number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = at + 1 + next(9);
    pieces.push(text.slice(at, end));
    at = end;
  }
  return pieces;
}

/** What a page shows that lets a text grow, as markup. */
class Shown {
  readonly markdown = new GrowingMarkdown();
  readonly settled: Part[] = [];
  open: readonly Part[] = [];

  /** Take a piece, and tell how many parts had to be looked at. */
  take(piece: string): number {
    this.markdown.append(piece);
    const { settled, open } = this.markdown.grow();
    const [first] = this.open;
    const [now, ...others] = [...settled, ...open].map((part, at) => (at === 0 ? withEarlier(part, first) : part));
    const all = now ? [now, ...others] : [];
    this.settled.push(...all.slice(0, settled.length));
    this.open = all.slice(settled.length);
    return countOf([...settled, ...open]);
  }

  get html(): string {
    return htmlOf(this.markdown.hasReferences ? this.markdown.whole() : [...this.settled, ...this.open]);
  }
}

/** Only of the same list can items be left out. */
function withEarlier(part: Part, before: Part | undefined): Part {
  if (part.earlier > 0) expect(part).toMatchObject({ tag: before?.tag, start: before?.start });
  return { ...part, earlier: 0, parts: [...(before?.parts.slice(0, part.earlier) ?? []), ...part.parts] };
}

function countOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + 1 + countOf(part.parts), 0);
}

function htmlOf(parts: readonly Part[]): string {
  return parts.map((part) => elementOf(part)).join("");
}

const isParagraph = ({ tag }: Part) => tag === "p"; // a list without any is spaced like any other

function elementOf({ tag, className, start, html, parts, code }: Part): string {
  const shownStart = start && ` start="${start}"`;
  if (code) return `<pre class="${escaped(code.language)}">${escaped(code.text)}</pre>`;
  const isShown = className && (!/^[ou]l$/.test(tag) || parts.some((item) => item.parts.some(isParagraph)));
  return `<${tag}${isShown ? ` class="${className}"` : ""}${shownStart}>${html}${htmlOf(parts)}</${tag}>`;
}

const { escapeHtml: escaped } = new MarkdownIt().utils;

function grownFrom(pieces: readonly string[]): string {
  const shown = new Shown();
  for (const piece of pieces) shown.take(piece);
  return shown.html;
}

const whole = (text: string) => htmlOf(partsOf(text.replaceAll("\r", "")));

/** What is left of markup when all is gone that a page of ours has in another way. */
function bare(html: string): string {
  return html
    .replace(/<\/?(thead|tbody)>/g, "")
    .replace(/<pre[^>]*>(<code[^>]*>)?|(<\/code>)?<\/pre>/g, "|")
    .replace(/<img src="([^"]*)" alt="([^"]*)"[^>]*>/g, '<span class="image">$2</span>')
    .replace(/ style="text-align:(\w+)"/g, ' class="$1"')
    .replace(/ class="(tight|loose)"|<a [^>]*>|<\/?p>|<\/hr>/g, "")
    .replace(/\s+/g, "");
}

describe("markdown that grows", () => {
  it("comes to what the whole text is rendered to, wherever it is cut", () => {
    for (let run = 0; run < RUNS; run += 1) {
      const next = numbers(run);
      const text = textOf(next);
      const pieces = piecesOf(text, next);
      expect(grownFrom(pieces), JSON.stringify(pieces)).toBe(whole(text));
    }
  });

  it("says what any other renderer says", () => {
    const other = new MarkdownIt({ html: false });
    other.validateLink = () => true;
    for (let run = 0; run < RUNS; run += 1) {
      const text = textOf(numbers(run)).replaceAll("\r", "");
      expect(bare(whole(text)), JSON.stringify(text)).toBe(bare(other.render(text)));
    }
  });

  it.each([
    ["paragraphs", (at: number) => `paragraph ${at}\n\n`],
    ["items of a list", (at: number) => `- **item** ${at}\n`],
    ["items with paragraphs of their own", (at: number) => `${at}. item\n\n    with more\n\n`],
    ["items with lists in them", (at: number) => `- item ${at}\n  - one\n  - two\n    - three\n`],
    ["rows of a table", (at: number) => (at === 0 ? "| a | b |\n|---|--:|\n" : `| ${at} | *x* |\n`)],
    ["paragraphs of a quotation", (at: number) => `> said ${at}\n>\n`],
  ])("looks at %s only until they are over", (_, made) => {
    const text = Array.from({ length: 300 }, (_, at) => made(at)).join("");
    const shown = new Shown();
    const looked = (text.match(/[\s\S]{1,7}/g) ?? []).map((piece) => shown.take(piece));
    expect(Math.max(...looked)).toBeLessThan(30);
    expect(shown.html).toBe(whole(text));
  });

  it("spaces the settled items of a list like those that come after an empty line", () => {
    const shown = new Shown();
    for (const piece of ["- a\n", "- b\n", "- c\n"]) shown.take(piece);
    expect(shown.html).toContain('<ul class="tight">');
    for (const piece of ["\n", "- d\n", "- e\n"]) shown.take(piece);
    expect(shown.html).toMatch(/^<ul class="loose">(<li><p>.<\/p><\/li>){5}<\/ul>$/);
  });

  it("does not space a list by a line that only seems to be an item until it is ended", () => {
    const html = grownFrom(["- a\n", "- b\n", "- c\n\n-", "-|--\n", "- d\n"]);
    expect(html).toMatch(/^<ul class="tight">(<li>.*?){3}<\/ul><p>/);
  });

  it("goes on counting where a list was settled", () => {
    expect(grownFrom(["3. a\n", "4. b\n", "5. c\n", "6. d\n"])).toMatch(
      /^<ol class="tight" start="3">(<li>.*?){4}<\/ol>$/,
    );
  });

  it("knows a link's target that comes after the link", () => {
    const html = grownFrom(["see [here][a]\n\n", "more\n\n", "[a]: http://x.org\n"]);
    expect(html).toContain('data-href="http://x.org"');
  });

  it("gives a block of code its language and its text, also before it is closed", () => {
    const markdown = new GrowingMarkdown();
    markdown.append("```ts title\nlet a;\n  let b");
    expect(markdown.grow().open[0]?.code).toEqual({ language: "ts", text: "let a;\n  let b" });
  });
});

describe("what a model wrote", () => {
  it("never becomes markup of its own, a script or a picture", () => {
    const html = whole("<script>alert(1)</script> <img src=x> ![a](http://x.org/i.png) `<b>` | <i> |");
    expect(html).not.toMatch(/<(script|img|b|i)\b/);
  });

  it.each([
    "http://x.org",
    "src/shop.py#L3",
    "shop.py:12",
    "javascript:alert(1)",
    "command:workbench.action.quit",
    "data:text/html,x",
    "//x.org",
  ])("has links that only the extension can follow: %s", (href) => {
    expect(whole(`[b](${href})`)).toBe(`<p><a href="#" data-href="${href}" title="${href}">b</a></p>`);
    expect(whole(`[b]\n\n[b]: ${href}`)).toBe(whole(`[b](${href})`));
  });

  it("may hold types, which are no links", () => {
    expect(whole("Map<string:number> at <https://x.org> and <a@x.org>")).toMatch(
      /^<p>Map&lt;string:number&gt; at <a href="#" data-href="https:.*<a href="#" data-href="mailto:/,
    );
  });

  it.each([
    "[",
    "![",
    "*",
    "_",
    "`",
    "<",
    "(",
    ">",
    "|",
    "~",
    "\\",
    "&",
    "[]",
    "[a](",
    "*a_",
    "- ",
    "1. ",
    "]:",
    "[\n",
    "|a\n",
  ])("is shown at once even if it is nothing but %j", (sign) => {
    const text = sign.repeat(SIGNS / sign.length);
    const began = performance.now();
    expect(grownFrom([text]).length).toBeGreaterThan(0);
    expect(performance.now() - began).toBeLessThan(HANG_MILLISECONDS);
  });

  it("is plain text where nobody could have meant so many signs, and has its markup in the paragraph after", () => {
    const html = whole(`${"[*".repeat(5000)}\n\nand *on*`);
    expect(html).toBe(`<p>${"[*".repeat(5000)}</p><p>and <em>on</em></p>`);
  });
});
