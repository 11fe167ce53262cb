/** Has a provider checked after a person has changed its credential, and tells what came of it. */

import * as vscode from "vscode";
import type { Gateway } from "../server/gateway";
import { verdictOn } from "./checked";

export async function checkAndTell(gateway: Gateway, provider: string, title: string, done: string): Promise<void> {
  const location = vscode.ProgressLocation.Window;
  const health = await vscode.window.withProgress({ location, title: vscode.l10n.t("Checking {0}…", title) }, () =>
    gateway.request("ai/health", { probe: true }).catch(() => undefined),
  );
  if (health === undefined) {
    void vscode.window.showWarningMessage(
      vscode.l10n.t("{0} It can't be checked now, for the server does not run.", done),
    );
    return;
  }
  const { level, words } = verdictOn(provider, title, health, vscode.l10n);
  const settings = vscode.l10n.t("Open Settings");
  const show = level === "good" ? vscode.window.showInformationMessage : vscode.window.showWarningMessage;
  const chosen = await show(`${done} ${words}`, ...(level === "good" ? [] : [settings]));
  if (chosen === settings) await vscode.commands.executeCommand("aiGateway.openSettings", settingsOf(provider, level));
}

function settingsOf(provider: string, level: string): string {
  return level === "idle" ? "aiGateway.cloud.provider" : `aiGateway.${provider}`;
}
