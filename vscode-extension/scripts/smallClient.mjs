// Makes the language client small.
//
// Its base class names a feature for everything in LSP: what the server does not offer becomes one that does nothing.
// And it comes as CommonJS, out of which esbuild can't shake what nobody uses; TypeScript wrote it, always in the same
// few forms, so it can be put back into the modules that it was.

import { readFile } from "node:fs/promises";
import { basename } from "node:path";

const USED = ["codeAction", "configuration", "inlineCompletion", "progress", "textSynchronization", "workspaceFolder"];
const MECHANISM = /^(api|client|codeConverter|features|progressPart|protocol\w+)$/;
const ABSENT = `
export class Absent {
  getState() { return { kind: "static" }; }
  fillClientCapabilities() {}
  initialize() {}
  clear() {}
}
`;
const PACKAGES =
  /[\\/](vscode-languageclient|vscode-languageserver-(protocol|types)|vscode-jsonrpc)[\\/]lib[\\/].*\.js$/;

/** What TypeScript wrote, and what it was. */
const FORMS = [
  [/^var __\w+ = \(this && this\.__\w+\)[\s\S]*?^}\)?(\)\(\))?;$\n/gm, ""],
  [
    /^"use strict";$|^Object\.defineProperty\(exports, "__esModule".*$|^exports\.\w+ = (exports\.\w+ = )*void 0;$/gm,
    "",
  ],
  [/^exports\.(\w+) = \1;$/gm, "export { $1 };"],
  [/^exports\.default = (\w+);$/gm, "export { $1 as default };"],
  [/^exports\.(\w+) = /gm, "export const $1 = "],
  [/^__exportStar\(require\("(.+?)"\), exports\);$/gm, 'export * from "$1";'],
  [/^(?:const|var) (\w+) = (?:__import\w+\()?require\("(?!vscode")(.+?)"\)\)?;$/gm, 'import * as $1 from "$2";'],
  [/^(const \w+ = )__importStar\((require\("vscode"\))\);$/gm, "$1$2;"],
  [
    /^Object\.defineProperty\(exports, "(\w+)", .* return (\w+)\.\1; } }\);$/gm,
    "const $1_ = $2.$1;\nexport { $1_ as $1 };",
  ],
  [
    /^((?:export )?)var (\w+);\n\(function \(\2\) {\n([\s\S]*?)^}\)\(\2 \|\| \((exports\.\2 = )?\2 = {}\)\);$/gm,
    namespace,
  ],
  [/\(exports\.(\w+) = \1 = {}\)/g, "($1 = {})"],
  [/\bexports\.(\w+)/g, "$1"],
];

export const smallClient = {
  name: "small-client",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^absent$/ }, () => ({ path: "absent", namespace: "absent" }));
    onLoad({ filter: /./, namespace: "absent" }, () => ({ contents: ABSENT }));
    onLoad({ filter: PACKAGES }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      return isUnused(path) ? { contents: absent(source) } : checked(source, asModule(source));
    });
  },
};

function isUnused(path) {
  const name = basename(path, ".js");
  const isFeature = /vscode-languageclient[\\/]lib[\\/]common[\\/]\w+\.js$/.test(path) && !MECHANISM.test(name);
  return isFeature && !USED.includes(name);
}

function absent(source) {
  const names = [...source.matchAll(/^exports\.(\w+) = \1;$/gm)].map(([, name]) => `Absent as ${name}`);
  return `import { Absent } from "absent";\nexport { ${names.join(", ")} };`;
}

function asModule(source) {
  return FORMS.reduce((text, [form, module]) => text.replace(form, module), source);
}

/** Says so where TypeScript wrote something in another form, which would be missed only when it is used. */
function checked(source, contents) {
  const isExported = (name) =>
    new RegExp(`^export (const|var|function|class) ${name}\\b|^export {.*\\b${name} }`, "m").test(contents);
  const wanted = [...source.matchAll(/\bexports\.(\w+)/g)].map(([, name]) => name).filter((name) => name !== "default");
  const lost = [...new Set(wanted)].filter((name) => !isExported(name));
  const left = contents.match(/^.*\b(exports|__exportStar|__import\w+|require\((?!"vscode"|"node:)).*$/m);
  const text = lost.length > 0 ? `not exported any more: ${lost.join(", ")}` : left && `in an unknown form: ${left[0]}`;
  return text ? { errors: [{ text }] } : { contents };
}

/** Without an effect beyond its own name, so that it can be left out. */
function namespace(_whole, exported, name, body, exportedToo) {
  const keyword = exported || exportedToo ? "export " : "";
  return `${keyword}var ${name} = /* @__PURE__ */ (function (${name}) {\n${body}return ${name};\n})({});`;
}
