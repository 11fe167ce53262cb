/** Where a link of an answer leads, as models write them: `src/shop.py`, `shop.py:12:3`, `shop.py#L3-L9`. */

/** Something outside the editor, a place in a file, or what is not followed. */
export type LinkTarget =
  | { readonly kind: "outside"; readonly address: string }
  | { readonly kind: "file"; readonly path: string; readonly place: LinkedPlace }
  | { readonly kind: "refused" };

/** Lines and columns count from 1; without an end it is one point. */
export interface LinkedPlace {
  readonly line: number;
  readonly column: number;
  readonly endLine?: number;
}

const OPENED = ["http", "https", "mailto"];
/** One letter is a drive. */
const SCHEME = /^([a-z][a-z0-9+.-]+):/i;
const FILE_SCHEME = /^file:\/\/(?=\/)/i;
const DRIVE = /^[a-z]:\//i;
const AFTER_COLON = /:L?(?<line>\d+)(?::(?<column>\d+))?(?:-L?(?<endLine>\d+))?$/i;
const FRAGMENT = /^L?(?<line>\d+)(?:C(?<column>\d+))?(?:-L?(?<endLine>\d+)(?:C\d+)?)?$/i;

/** Find out where a link leads; whether there is such a file is not known here. */
export function targetOf(href: string): LinkTarget {
  if (OPENED.includes(schemeOf(href))) return { kind: "outside", address: href };
  const [address = "", fragment = ""] = href.split("#", 2);
  const name = decoded(address.replace(FILE_SCHEME, "").replace(/\?.*$/s, "")).replaceAll("\\", "/");
  const colon = AFTER_COLON.exec(name);
  const path = name.slice(0, colon?.index).replace(DRIVE, "/$&");
  if (!path || path.startsWith("//") || schemeOf(path)) return { kind: "refused" };
  return { kind: "file", path, place: placeIn((FRAGMENT.exec(fragment) ?? colon)?.groups) };
}

function schemeOf(address: string): string {
  return SCHEME.exec(address)?.[1]?.toLowerCase() ?? "";
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // a lone "%" is part of the name then
  }
}

function placeIn({ line, column, endLine }: { readonly [part: string]: string | undefined } = {}): LinkedPlace {
  const end = endLine === undefined ? {} : { endLine: Number(endLine) };
  return { line: Number(line ?? 1), column: Number(column ?? 1), ...end };
}
