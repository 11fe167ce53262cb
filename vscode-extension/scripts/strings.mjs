// Collects the strings that people see into l10n/bundle.l10n.json, for translators; `--check` only compares.

import { readdir, readFile, writeFile } from "node:fs/promises";
import { getL10nJson } from "@vscode/l10n-dev";

const SOURCES = new URL("../src/", import.meta.url);
const TARGET = new URL("../l10n/bundle.l10n.json", import.meta.url);
// The extractor knows `l10n.t` by its import from `vscode` only; most files get theirs from whoever calls them.
const IMPORT = 'import { l10n } from "vscode";\n';
const GIVEN = /\b(?!vscode\b)\w+\.(?=l10n\.t\()/g;

const names = (await readdir(SOURCES, { recursive: true })).filter(
  (name) => name.endsWith(".ts") && !/^(generated|webview)\//.test(name),
);
const files = await Promise.all(
  names.sort().map(async (name) => {
    const text = await readFile(new URL(name, SOURCES), "utf8");
    return { extension: ".ts", contents: IMPORT + text.replaceAll(GIVEN, "") };
  }),
);
const strings = await getL10nJson(files);
const sorted = Object.fromEntries(Object.entries(strings).sort(([one], [other]) => (one < other ? -1 : 1)));
const collected = `${JSON.stringify(sorted, undefined, 2)}\n`;

if (process.argv.includes("--check")) {
  if ((await readFile(TARGET, "utf8").catch(() => "")) !== collected) {
    console.error("l10n/bundle.l10n.json is not what the sources say: run `npm run strings`");
    process.exitCode = 1;
  }
} else {
  await writeFile(TARGET, collected);
}
