/** The answer view's page: made whenever it is shown, and told everything anew then, so that it need keep nothing. */

import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { ToHost, ToView, ViewState } from "../webview/answer/messages";

export const VIEW = "aiGateway.answer";

/** What stands behind the page. */
export interface Session {
  state(): ViewState;
  receive(message: Exclude<ToHost, { kind: "ready" }>): void;
}

export class AnswerView implements vscode.WebviewViewProvider {
  private webview: vscode.Webview | undefined;
  private isReady = false;
  private waiting: ToView[] = [];

  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly session: Session,
  ) {}

  resolveWebviewView(view: vscode.WebviewView): void {
    const { webview } = view;
    const root = vscode.Uri.joinPath(this.extensionUri, "dist", "webview");
    webview.options = { enableScripts: true, localResourceRoots: [root] };
    webview.onDidReceiveMessage((message: ToHost) => this.receive(message));
    webview.html = page(webview, root);
    this.webview = webview;
    this.isReady = false;
    view.onDidChangeVisibility(() => {
      if (!view.visible) this.isReady = false; // the page is gone, and says when it is there again
    });
    view.onDidDispose(() => {
      if (this.webview === webview) this.webview = undefined;
      this.isReady = false;
    });
  }

  /** Tell the page; while there is none, nothing: it will be told everything. */
  post(message: ToView): void {
    if (this.isReady) void this.webview?.postMessage(message);
  }

  /** Show the view, with the cursor where one types; `draft` takes the place of what stands there. */
  async focus(draft?: string): Promise<void> {
    const message: ToView = draft === undefined ? { kind: "focus" } : { kind: "focus", draft };
    if (!this.isReady) this.waiting = [message];
    await vscode.commands.executeCommand(`${VIEW}.focus`);
    this.post(message);
  }

  private receive(message: ToHost): void {
    if (message.kind === "ready") this.begin();
    else this.session.receive(message);
  }

  private begin(): void {
    this.isReady = true;
    this.post({ kind: "state", state: this.session.state() });
    for (const later of this.waiting.splice(0)) this.post(later);
  }
}

function page(webview: vscode.Webview, root: vscode.Uri): string {
  const nonce = randomBytes(16).toString("base64");
  const at = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(root, name)).toString();
  const allowed = [
    "default-src 'none'",
    `style-src ${webview.cspSource}`,
    `script-src 'nonce-${nonce}'`,
    `img-src ${webview.cspSource} data:`,
    `font-src ${webview.cspSource}`,
  ];
  return `<!DOCTYPE html>
<html lang="${vscode.env.language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${allowed.join("; ")}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${at("answer.css")}">
</head>
<body><script nonce="${nonce}" src="${at("answer.js")}"></script></body>
</html>`;
}
