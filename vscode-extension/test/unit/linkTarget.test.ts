import { describe, expect, it } from "vitest";
import { targetOf } from "../../src/ask/linkTarget";

describe("a link of an answer", () => {
  it.each(["http://x.org", "https://x.org:8080/a?b#L3", "mailto:a@x.org", "HTTPS://X.org"])(
    "may lead out of the editor: %s",
    (address) => {
      expect(targetOf(address)).toEqual({ kind: "outside", address });
    },
  );

  it.each([
    ["shop.py", "shop.py", { line: 1, column: 1 }],
    ["shop.py:12", "shop.py", { line: 12, column: 1 }],
    ["shop.py:12:3", "shop.py", { line: 12, column: 3 }],
    ["shop.py:12-20", "shop.py", { line: 12, column: 1, endLine: 20 }],
    ["shop.py:L12", "shop.py", { line: 12, column: 1 }],
    ["src/shop.py#L12", "src/shop.py", { line: 12, column: 1 }],
    ["shop.py#L12-L20", "shop.py", { line: 12, column: 1, endLine: 20 }],
    ["shop.py#12-20", "shop.py", { line: 12, column: 1, endLine: 20 }],
    ["shop.py#L12C3-L20C5", "shop.py", { line: 12, column: 3, endLine: 20 }],
    ["./docs/read%20me.md?plain=1#L3", "./docs/read me.md", { line: 3, column: 1 }],
    ["docs/guide.md#usage", "docs/guide.md", { line: 1, column: 1 }],
    ["src%5Cshop.py:3", "src/shop.py", { line: 3, column: 1 }],
    ["Makefile:7", "Makefile", { line: 7, column: 1 }],
    ["100%.txt", "100%.txt", { line: 1, column: 1 }],
    ["../other/shop.py", "../other/shop.py", { line: 1, column: 1 }],
    ["/home/a/shop.py:2", "/home/a/shop.py", { line: 2, column: 1 }],
    ["file:///home/a/shop.py#L2", "/home/a/shop.py", { line: 2, column: 1 }],
    ["C:%5Cprojects%5Cshop.py:2", "/C:/projects/shop.py", { line: 2, column: 1 }],
  ])("may lead to a place in a file: %s", (href, path, place) => {
    expect(targetOf(href)).toEqual({ kind: "file", path, place });
  });

  it.each([
    "command:workbench.action.quit",
    "command:workbench.action.quit?%5B%5D",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "data:text/html,x",
    "vscode://x.y/z",
    "//x.org/a",
    "%5C%5Chost%5Cshare",
    "file://host/share",
    "localhost:3000/a",
    "#usage",
    "",
  ])("is not followed anywhere else: %s", (href) => {
    expect(targetOf(href)).toEqual({ kind: "refused" });
  });
});
