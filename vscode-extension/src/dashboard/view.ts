/** The dashboard's view: asks the server what was, whenever that changed and somebody looks. */

import * as vscode from "vscode";
import { type Gateway, GatewayError } from "../server/gateway";
import { showTrace, told } from "../status/circuits";
import { reasons } from "../status/reasons";
import { mannerNow, type Watch } from "../status/watch";
import type { Past, ToHost, ToView } from "../webview/dashboard/messages";
import { fill } from "../webviews";
import { awayOf, overviewOf } from "./overview";
import { stringsOf } from "./strings";

const VIEW = "aiGateway.dashboard";
const ASKED = { days: 30, queries: 100, hours: 24 };
/** Changes that come in a burst are shown together. */
const GATHER_MS = 250;

/** What the page may have run. */
const OFFERED = new Set([
  "aiGateway.ask",
  "aiGateway.signIn",
  "aiGateway.setKey",
  "aiGateway.reset",
  "aiGateway.forceTier",
  "aiGateway.restart",
  "aiGateway.showLog",
  "aiGateway.openSettings",
  "aiGateway.endSimulation",
]);

/** Show the dashboard where VS Code asks for it. */
export function registerDashboard(context: vscode.ExtensionContext, gateway: Gateway, watch: Watch): void {
  const provider: vscode.WebviewViewProvider = {
    resolveWebviewView: (view) => {
      const dashboard = new Dashboard(view, gateway, watch);
      view.onDidDispose(() => dashboard.dispose());
      fill(view.webview, context.extensionUri, "dashboard");
    },
  };
  context.subscriptions.push(
    vscode.window.registerWebviewViewProvider(VIEW, provider, { webviewOptions: { retainContextWhenHidden: false } }),
    vscode.commands.registerCommand("aiGateway.showDashboard", () => vscode.commands.executeCommand(`${VIEW}.focus`)),
  );
}

class Dashboard implements vscode.Disposable {
  private past: Past | undefined;
  private isReady = false;
  private isAsking = false;
  private isOutdated = false;
  private timer: NodeJS.Timeout | undefined;
  private readonly listening: vscode.Disposable;

  constructor(
    private readonly view: vscode.WebviewView,
    private readonly gateway: Gateway,
    private readonly watch: Watch,
  ) {
    this.listening = vscode.Disposable.from(
      view.webview.onDidReceiveMessage((message: ToHost) => this.receive(message)),
      view.onDidChangeVisibility(() => this.refreshSoon()),
      watch.onDidChange(() => this.refreshSoon()),
    );
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.listening.dispose();
  }

  private receive(message: ToHost): void {
    switch (message.kind) {
      case "ready":
        this.isReady = true;
        this.post({
          kind: "begin",
          strings: stringsOf(vscode.l10n),
          reasons: reasons(vscode.l10n),
          locale: vscode.env.language,
        });
        this.show();
        void this.refresh();
        break;
      case "run":
        if (OFFERED.has(message.command)) {
          const given = message.argument === undefined ? [] : [message.argument];
          void vscode.commands.executeCommand(message.command, ...given);
        }
        break;
      case "explain":
        void told(() => showTrace(this.gateway, message.queryId));
        break;
    }
  }

  private refreshSoon(): void {
    if (!this.view.visible) {
      this.isReady = false; // the page is gone, and says when it is there again
      return;
    }
    this.show();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.refresh(), GATHER_MS);
  }

  /** Ask what was; what changes meanwhile is asked for again afterwards. */
  private async refresh(): Promise<void> {
    if (!this.isReady || this.gateway.state.kind !== "running" || this.gateway.status === undefined) return;
    this.isOutdated = this.isAsking;
    if (this.isAsking) return;
    this.isAsking = true;
    try {
      const [history, metrics] = await Promise.all([
        this.gateway.request("ai/history", ASKED),
        this.gateway.request("ai/metrics", {}),
      ]);
      this.past = { history, metrics: { providers: metrics.providers } };
      this.show();
    } catch (error) {
      this.fail(error);
    } finally {
      this.isAsking = false;
    }
    if (this.isOutdated) await this.refresh();
  }

  private fail(error: unknown): void {
    if (error instanceof vscode.CancellationError) return; // the server is being stopped
    if (!(error instanceof GatewayError)) throw error;
    if (this.gateway.state.kind === "running") this.post({ kind: "problem", text: error.message });
  }

  private show(): void {
    if (!this.isReady) return;
    const { server, received, since } = this.watch.outlook;
    if (server.kind !== "running" || received === undefined || received.summary.status === "starting") {
      this.past = undefined; // another server may know of other things
      this.post({ kind: "away", away: awayOf(server, since, mannerNow()) });
    } else {
      this.post({ kind: "overview", overview: overviewOf(received, server.simulated, this.past, mannerNow()) });
    }
  }

  private post(message: ToView): void {
    void this.view.webview.postMessage(message);
  }
}
