/** The server's place in the extension: its commands, its context keys, and when it starts. */

import * as vscode from "vscode";
import { showDiagnostics } from "./diagnostics";
import type { Gateway, ServerState } from "./gateway";
import { answerInputs } from "./input";
import { offerInTerminals } from "./inTerminals";
import { removeOldCaches } from "./launch";

/** Starts the server without anybody waiting for it. */
export function registerServer(context: vscode.ExtensionContext, gateway: Gateway, log: vscode.LogOutputChannel): void {
  context.subscriptions.push(
    gateway,
    answerInputs(gateway),
    offerInTerminals(context, gateway, log),
    gateway.onDidChangeState(showInContext),
    vscode.commands.registerCommand("aiGateway.restart", () => gateway.restart()),
    vscode.commands.registerCommand("aiGateway.showLog", () => log.show()),
    vscode.commands.registerCommand("aiGateway.collectDiagnostics", () => showDiagnostics(gateway, context.extension)),
  );
  setImmediate(() => {
    void gateway.start();
    void removeOldCaches(context);
  });
}

function showInContext(state: ServerState): void {
  void vscode.commands.executeCommand("setContext", "aiGateway.state", state.kind);
  const isSimulated = state.kind === "running" && state.simulated;
  void vscode.commands.executeCommand("setContext", "aiGateway.simulated", isSimulated);
}
