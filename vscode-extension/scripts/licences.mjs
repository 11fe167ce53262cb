// Writes the licences of the npm packages that went into a bundle beside it.

import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const PACKAGE = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//;
const LICENCE = /^(licen[cs]e|copying|notice)/i;

/** Which packages files of a build came from, by esbuild's metafile. */
export function packagesOf({ inputs }) {
  return Object.keys(inputs).flatMap((path) => PACKAGE.exec(path)?.[1] ?? []);
}

export async function writeLicences(packages, file) {
  const parts = await Promise.all([...new Set(packages)].sort().map(licenceOf));
  await writeFile(file, `# Packages in this folder\n\n${parts.join("\n\n")}\n`);
}

async function licenceOf(name) {
  const folder = join("node_modules", name);
  const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const files = (await readdir(folder)).filter((file) => LICENCE.test(file));
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  return `## ${name} ${version}\n\n${texts.map((text) => text.trim()).join("\n\n") || license}`;
}
