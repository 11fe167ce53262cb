// `import * as vscode` of a CommonJS module copies all its names, for each file that imports it: some hundred names times
// dozens of files, every time the extension is activated. The bundle is CommonJS, so what is meant is `require`.

import { readFile } from "node:fs/promises";

export const oneVscode = {
  name: "one-vscode",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replace(
        'import * as vscode from "vscode";',
        'const vscode = require("vscode");',
      ),
      loader: "ts",
    }));
  },
};
