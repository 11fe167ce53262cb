// `import * as vscode` of a CommonJS module copies all its names, for each file that imports it: some hundred names times
// dozens of files, every time the extension is activated. The bundle is CommonJS, so what is meant is `require`; and as
// VS Code finds out anew whose `vscode` it is at each of those, it is required once.

import { readFile } from "node:fs/promises";

export const oneVscode = {
  name: "one-vscode",
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replace(
        'import * as vscode from "vscode";',
        'const vscode = require("vscode");',
      ),
      loader: "ts",
    }));
    onResolve({ filter: /^vscode$/, namespace: "file" }, () => ({ path: "vscode", namespace: "one-vscode" }));
    onLoad({ filter: /./, namespace: "one-vscode" }, () => ({ contents: 'module.exports = require("vscode");' }));
  },
};
