import MarkdownIt from "markdown-it";
import { describe, expect, it } from "vitest";
import { commandLink, plain, rows } from "../../src/markdown";

const html = (markdown: string) => new MarkdownIt({ html: true, linkify: true }).renderInline(markdown);

describe("a text of somebody else", () => {
  it.each([
    "![x](https://e.example/p.png)",
    "[Sign in](command:aiGateway.reset)",
    "<img src='https://e.example'>",
    "go to https://e.example or www.e.example, ask a@e.example",
    "`code` **bold** ~~gone~~ | cell | $(warning)",
  ])("stays as it is written: %s", (text) => {
    const shown = html(plain(text));
    expect(shown).not.toMatch(/<[a-z]/);
    expect(shown.replaceAll("&lt;", "<").replaceAll("&gt;", ">")).toBe(text);
  });

  it("has no line of its own, and no icon", () => {
    expect(plain("one\n# two\r\n\r\n- three")).toBe("one \\# two \\- three");
    expect(plain("$(bug)")).toBe("\\$\\(bug\\)");
  });
});

it("what a command is given can't end its link", () => {
  const link = commandLink("Reset", "aiGateway.reset", "a) [x](command:other");
  const [, target = ""] = /^<a href="([^"]*)">Reset<\/a>$/.exec(html(link)) ?? [];
  expect(JSON.parse(decodeURIComponent(target.replace("command:aiGateway.reset?", "")))).toEqual([
    "a) [x](command:other",
  ]);
});

it("cells stand in a table without a head", () => {
  expect(new MarkdownIt().render(rows([["a", "b"]])).match(/<td/g)).toHaveLength(2);
});
