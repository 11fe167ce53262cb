/** The pages of webviews: a script and a style of the extension's own, and nothing else. */

import { randomBytes } from "node:crypto";
import * as vscode from "vscode";

/** Let a view show the page that was bundled under this name, and nothing from elsewhere. */
export function fill(webview: vscode.Webview, extensionUri: vscode.Uri, name: string): void {
  const root = vscode.Uri.joinPath(extensionUri, "dist", "webview");
  webview.options = { enableScripts: true, localResourceRoots: [root] };
  webview.html = page(webview, vscode.Uri.joinPath(root, name));
}

function page(webview: vscode.Webview, bundle: vscode.Uri): string {
  const nonce = randomBytes(16).toString("base64");
  const at = (ending: string) => webview.asWebviewUri(bundle.with({ path: `${bundle.path}.${ending}` })).toString();
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="${vscode.env.language}">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="stylesheet" href="${at("css")}">
  <title>AI Gateway</title>
</head>
<body><script nonce="${nonce}" src="${at("js")}"></script></body>
</html>`;
}
