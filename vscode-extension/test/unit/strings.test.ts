import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(__dirname, "../..");
const BUNDLE = JSON.parse(readFileSync(join(ROOT, "l10n/bundle.l10n.json"), "utf8")) as Record<string, string>;
const SOURCES = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" }).filter(
  (name) => name.endsWith(".ts") && !name.startsWith("generated"),
);
const LITERAL = /l10n\.t\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/g;
const ANY = /\bl10n\.t\(/g;

function literals(text: string): string[] {
  return [...text.matchAll(LITERAL)].map(([, literal = ""]) =>
    literal.startsWith("'") ? literal.slice(1, -1).replaceAll("\\'", "'") : (JSON.parse(literal) as string),
  );
}

describe("the strings that people see", () => {
  it.each(SOURCES)("are all in the bundle for translators: %s", (name) => {
    const text = readFileSync(join(ROOT, "src", name), "utf8");
    const found = literals(text);
    expect(found.length, "every text is a literal").toBe([...text.matchAll(ANY)].length);
    expect(found.filter((string) => !(string in BUNDLE))).toEqual([]);
  });

  it("number their gaps from 0 on", () => {
    for (const string of Object.keys(BUNDLE)) {
      const gaps = new Set([...string.matchAll(/\{(\d+)\}/g)].map(([, number]) => Number(number)));
      expect([...gaps].sort(), string).toEqual([...gaps.keys()].map((_, at) => at));
    }
  });
});
