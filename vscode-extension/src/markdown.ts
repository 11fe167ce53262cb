/** Markdown made of texts that others have written. */

const MARKUP = /[\\`*_{}[\]()#+\-!~|<>$&@]|:(?=\/\/)|(?<=\bwww)\./gi;

/** Let a text be nothing but text: no markup, no icon, no link, no line of its own. */
export function plain(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(MARKUP, (sign) => (sign === "<" ? "&lt;" : sign === "&" ? "&amp;" : `\\${sign}`));
}

/** Link a text to a command of this extension. */
export function commandLink(text: string, command: string, ...given: readonly unknown[]): string {
  const query = given.length === 0 ? "" : `?${encodeURIComponent(JSON.stringify(given)).replace(/[()]/g, inHex)}`;
  return `[${plain(text)}](command:${command}${query})`;
}

const inHex = (sign: string): string => `%${sign.charCodeAt(0).toString(16)}`;

/** Lay out cells as a table; without a head, for there is none to read. */
export function rows(cells: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...cells.map((row) => row.length));
  const empty = `|${"  |".repeat(columns)}`;
  const rule = `|${":--|".repeat(columns)}`;
  return [empty, rule, ...cells.map((row) => `| ${row.join(" | ")} |`)].join("\n");
}
