// Bundles the extension and its webviews into dist/; `--test` bundles the integration tests as well, `--watch` keeps at it.

import { context } from "esbuild";
import { packagesOf, writeLicences } from "./scripts/licences.mjs";
import { oneVscode } from "./scripts/oneVscode.mjs";
import { smallClient } from "./scripts/smallClient.mjs";

const isWatching = process.argv.includes("--watch");
const shared = {
  bundle: true,
  minify: true,
  sourcemap: "external", // what is packed names none
  sourcesContent: false,
  logLevel: "warning",
  metafile: true,
};

const inExtensionHost = {
  ...shared,
  platform: "node",
  format: "cjs",
  target: "node22",
  external: ["vscode", "mocha", "./languageClient.js"],
  plugins: [smallClient, oneVscode],
};

const inWebviews = {
  ...shared,
  platform: "browser",
  format: "iife",
  target: "chrome134",
  outdir: "dist/webview",
  entryNames: "[name]",
};

const builds = [
  {
    ...inExtensionHost,
    entryPoints: ["src/extension.ts", "src/server/languageClient.ts"],
    outdir: "dist",
    entryNames: "[name]",
  },
  {
    ...inWebviews,
    entryPoints: [
      { in: "src/webview/answer/main.ts", out: "answer" },
      { in: "src/webview/answer/answer.css", out: "answer" },
      { in: "src/webview/dashboard/main.ts", out: "dashboard" },
      { in: "src/webview/dashboard/dashboard.css", out: "dashboard" },
    ],
  },
];

if (process.argv.includes("--test")) {
  builds.push({ ...inExtensionHost, entryPoints: ["test/integration/index.ts"], outfile: "dist/test/index.js" });
}

const packages = [];
for (const options of builds) {
  const build = await context(options);
  if (isWatching) await build.watch();
  else {
    const { metafile } = await build.rebuild();
    packages.push(...packagesOf(metafile));
    await build.dispose();
  }
}
if (!isWatching) await writeLicences(packages, "dist/LICENSES.md");
