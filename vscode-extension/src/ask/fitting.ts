/** How code of an answer takes the place of code in a document. */

/** Find a text in a document: where it was, or where it moved to, if it is there only once. */
export function placeOf(wanted: string, document: string, was: number): number | undefined {
  if (document.startsWith(wanted, was)) return was;
  const at = document.indexOf(wanted);
  const isOnlyOne = wanted.trim() !== "" && at >= 0 && document.indexOf(wanted, at + 1) < 0;
  return isOnlyOne ? at : undefined;
}

/** Indent code as what it replaces is indented, and end it as that ends. */
export function fitted(code: string, replaced: string): string {
  const wanted = indentOf(replaced);
  const lines = code.replace(/\r\n?/g, "\n").replace(/\n+$/, "").split("\n");
  const given = indentOf(code);
  const indented = lines.map((line) => (line.trim() === "" ? "" : wanted + line.slice(given.length)));
  const end = /\r?\n$/.test(replaced) ? "\n" : "";
  return indented.join("\n") + end;
}

/** The blanks that all lines begin with. */
function indentOf(text: string): string {
  const indents = text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => /^[ \t]*/.exec(line)?.[0] ?? "");
  return indents.reduce((common, indent) => shared(common, indent), indents[0] ?? "");
}

function shared(one: string, other: string): string {
  let end = 0;
  while (end < one.length && one[end] === other[end]) end += 1;
  return one.slice(0, end);
}
