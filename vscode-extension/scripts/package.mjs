// Makes the VSIX: `npm run package -- [--out FILE] [TARGET… | all]`; without a target, for this machine.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { parseArgs } from "node:util";

const TARGETS = [
  "linux-x64",
  "linux-arm64",
  "alpine-x64",
  "alpine-arm64",
  "darwin-x64",
  "darwin-arm64",
  "win32-x64",
  "win32-arm64",
];
const PYTHON = process.env.PYTHON ?? "python3";
/** vsce takes it for the time of all files, so that the same tree makes the same VSIX; ZIP begins with 1980. */
const ENVIRON = { SOURCE_DATE_EPOCH: "315619200", ...process.env };

const { values, positionals } = parseArgs({ options: { out: { type: "string" } }, allowPositionals: true });
const chosen = positionals.length === 0 ? [targetHere()] : positionals;
const targets = chosen.includes("all") ? TARGETS : chosen;
const { version } = JSON.parse(readFileSync("package.json", "utf8"));

run(process.execPath, "esbuild.mjs");
mkdirSync("dist", { recursive: true });
for (const target of targets) pack(target, values.out);

function pack(target, out) {
  const file = out ?? `dist/ai-gateway-${version}-${target}.vsix`;
  rmSync(file, { force: true });
  try {
    run(PYTHON, "scripts/bundle_server.py", target);
  } catch {
    process.exitCode = 1; // it has said what can't be had; the other targets can do without
    return;
  }
  const flags = ["--no-dependencies", "--allow-missing-repository", "--no-rewrite-relative-links", "--out", file];
  run("node_modules/.bin/vsce", "package", "--target", target, ...flags);
  run(PYTHON, "scripts/inspect_vsix.py", file);
  console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
}

/** The name that VS Code has for this platform; Linux without glibc is Alpine to it. */
function targetHere() {
  const isAlpine = process.platform === "linux" && !process.report.getReport().header.glibcVersionRuntime;
  return `${isAlpine ? "alpine" : process.platform}-${process.arch}`;
}

function run(command, ...args) {
  execFileSync(command, args, { env: ENVIRON, stdio: ["ignore", "ignore", "inherit"] });
}
