/** The answer view's page: made whenever it is shown, and told everything anew then, so that it need keep nothing. */

import * as vscode from "vscode";
import type { ToHost, ToView, ViewState } from "../webview/answer/messages";
import { fill } from "../webviews";

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
    webview.onDidReceiveMessage((message: ToHost) => this.receive(message));
    fill(webview, this.extensionUri, "answer");
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

  /** Show the view, with the cursor where one types; `notice` is said there. */
  async focus(notice = ""): Promise<void> {
    const messages: ToView[] = [{ kind: "focus" }, { kind: "notice", text: notice }];
    if (!this.isReady) this.waiting = [...messages];
    await vscode.commands.executeCommand(`${VIEW}.focus`);
    for (const message of messages) this.post(message);
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
