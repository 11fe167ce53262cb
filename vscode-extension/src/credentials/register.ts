/** Credentials' place in the extension. */

import * as vscode from "vscode";
import type { Gateway } from "../server/gateway";
import type { ServerSettings } from "../server/settingNames";
import { GitHubSession } from "./github";
import type { KeyStore } from "./keyStore";
import { registerKeys } from "./keys";
import { offerMigration } from "./migration";
import { followSettings, tellSettings } from "./settings";
import { registerSignIn } from "./signIn";

/** Lends the server what VS Code keeps for the person: their settings, their keys, their GitHub session. */
export function registerCredentials(
  context: vscode.ExtensionContext,
  gateway: Gateway,
  parts: { log: vscode.LogOutputChannel; keys: KeyStore; settings: () => Promise<ServerSettings> },
): void {
  const { log, keys, settings } = parts;
  const session = new GitHubSession(gateway, context.secrets, log);
  context.subscriptions.push(
    session,
    followSettings(gateway, keys, settings),
    registerKeys({ gateway, keys, tell: () => tellSettings(gateway, settings) }),
    registerSignIn(gateway, session),
    vscode.commands.registerCommand("aiGateway.openSettings", openSettings),
  );
  void offerMigration(keys, context.globalState);
}

/** Show the settings, or those that a text such as `aiGateway.copilot` finds. */
async function openSettings(query?: unknown): Promise<void> {
  const wanted = typeof query === "string" ? query : "@ext:ai-gateway.ai-gateway";
  await vscode.commands.executeCommand("workbench.action.openSettings", wanted);
}
