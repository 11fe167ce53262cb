import { describe, expect, it } from "vitest";
import { type Block, GrowingMarkdown } from "../../src/webview/answer/blocks";
import { isOffered, parsed, rendered } from "../../src/webview/answer/markdown";

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
const RUNS = 500;

/** Numbers that look random, and are the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function textOf(next: (below: number) => number): string {
  return Array.from({ length: 3 + next(40) }, () => FRAGMENTS[next(FRAGMENTS.length)]).join("");
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

function grownFrom(pieces: readonly string[], onGrown: (settled: readonly Block[]) => void = () => {}): string {
  const markdown = new GrowingMarkdown();
  const settled: Block[] = [];
  let open: readonly Block[] = [];
  for (const piece of pieces) {
    markdown.append(piece);
    const growth = markdown.grow();
    settled.push(...growth.settled);
    open = growth.open;
    onGrown(settled);
  }
  const blocks = markdown.hasReferences ? markdown.whole() : [...settled, ...open];
  return blocks.map(({ html }) => html).join("");
}

const whole = (text: string) => rendered(parsed(text.replaceAll("\r", "")));

describe("markdown that grows", () => {
  it("comes to what the whole text is rendered to, wherever it is cut", () => {
    for (let run = 0; run < RUNS; run += 1) {
      const next = numbers(run);
      const text = textOf(next);
      const pieces = piecesOf(text, next);
      expect(grownFrom(pieces), JSON.stringify(pieces)).toBe(whole(text));
    }
  });

  it("renders a block that is over only once", () => {
    const text = Array.from({ length: 300 }, (_, at) => `paragraph ${at}\n\n`).join("");
    let most = 0;
    let last = 0;
    grownFrom(text.match(/[\s\S]{1,7}/g) ?? [], (settled) => {
      most = Math.max(most, settled.length - last);
      last = settled.length;
    });
    expect(last).toBe(299);
    expect(most).toBeLessThanOrEqual(2);
  });

  it("knows a link's target that comes after the link", () => {
    expect(grownFrom(["see [here][a]\n\n", "more\n\n", "[a]: http://x.org\n"])).toContain('href="http://x.org"');
  });

  it("gives a block of code its language and its text, also before it is closed", () => {
    const markdown = new GrowingMarkdown();
    markdown.append("```ts title\nlet a;\n  let b");
    expect(markdown.grow().open[0]?.code).toEqual({ language: "ts", text: "let a;\n  let b" });
  });
});

describe("what a model wrote", () => {
  it("never becomes markup of its own, a script or a picture", () => {
    const html = whole("<script>alert(1)</script> <img src=x> ![a](http://x.org/i.png) [b](javascript:alert(1))");
    expect(html).not.toMatch(/<(script|img)|href/);
  });

  it.each(["http://x.org", "https://x.org", "mailto:a@x.org", "src/shop.py#L3"])("may link to %s", (href) => {
    expect(isOffered(href)).toBe(true);
  });

  it.each([
    "javascript:alert(1)",
    "command:workbench.action.quit",
    "file:///etc/passwd",
    "data:text/html,x",
    "//x.org",
    "vscode://x",
  ])("may not link to %s", (href) => {
    expect(isOffered(href)).toBe(false);
  });
});
