import { expect, it } from "vitest";
import { spansOf } from "../../src/webview/answer/spans";

function told(code: string, language: string): string[] {
  return spansOf(code, language).map(({ kind, start, end }) => `${kind} ${code.slice(start, end)}`);
}

it.each([
  [
    "python",
    "def f():  # why\n    return 'x' + 12",
    ["keyword def", "comment # why", "keyword return", "string 'x'", "number 12"],
  ],
  ["ts", "const a = `b`; // c", ["keyword const", "string `b`", "comment // c"]],
  ["sql", "select 1 -- all", ["keyword select", "number 1", "comment -- all"]],
  ["python", '"""one\ntwo""" if', ['string """one\ntwo"""', "keyword if"]],
  ["rust", "/* a\nb */ fn", ["comment /* a\nb */", "keyword fn"]],
])("%s is coloured by comments, strings, numbers and keywords", (language, code, spans) => {
  expect(told(code, language)).toEqual(spans);
});

it.each(["", "text", "markdown"])("text that is no program (%s) stays as it is", (language) => {
  expect(spansOf("for 1 'x'", language)).toEqual([]);
});

it("nothing of a word is a number, and nothing of a string a comment", () => {
  expect(told("a1 = '# no'", "python")).toEqual(["string '# no'"]);
});
