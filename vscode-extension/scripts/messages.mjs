// Generates src/generated/messages.ts from the server's JSON Schemas; `--check` only compares.

import { readFile, writeFile } from "node:fs/promises";
import { compile } from "json-schema-to-typescript";

const SCHEMA = new URL("../../server/ai_gateway/messages/schema.json", import.meta.url);
const TARGET = new URL("../src/generated/messages.ts", import.meta.url);
const NOTICE = "/* Generated from the server's schema.json by `npm run messages`. */";

// A field's title would become a type of its own.
const withoutTitles = (key, value) => (key === "title" && typeof value === "string" ? undefined : value);
const { $defs, methods } = JSON.parse(await readFile(SCHEMA, "utf8"), withoutTitles);

const types = await compile({ $defs, type: "object", properties: {} }, "Messages", {
  additionalProperties: false,
  bannerComment: NOTICE,
  ignoreMinAndMaxItems: true,
  unreachableDefinitions: true,
});
const readable = types
  .replaceAll(/( \*\n)? \* This interface was referenced by .*\n \* via the `definition` .*\n/g, "")
  .replace("export interface Messages {}\n", "");

const typeOf = (reference) => reference.$ref.split("/").at(-1);
const partsOf = (parts) =>
  Object.entries(parts)
    .map(([part, reference]) => `${part}: ${typeOf(reference)};`)
    .join(" ");
const table = Object.entries(methods)
  .map(([method, parts]) => `  "${method}": { ${partsOf(parts)} };`)
  .join("\n");
const generated = `${readable}\n/** What belongs to each method. */\nexport interface Methods {\n${table}\n}\n`;

if (process.argv.includes("--check")) {
  if ((await readFile(TARGET, "utf8").catch(() => "")) !== generated) {
    console.error("src/generated/messages.ts is not what the server's schemas say: run `npm run messages`");
    process.exitCode = 1;
  }
} else {
  await writeFile(TARGET, generated);
}
