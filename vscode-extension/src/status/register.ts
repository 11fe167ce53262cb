/** The status bar's place in the extension: the item, its menu, and the commands that act on the circuits. */

import * as vscode from "vscode";
import type { Gateway } from "../server/gateway";
import { showBar } from "./bar";
import { registerCircuits } from "./circuits";
import { type MenuEntry, menuOf } from "./menu";
import { mannerNow, Watch } from "./watch";

/** Show how things are, and let the person act on it. */
export function registerStatusBar(context: vscode.ExtensionContext, gateway: Gateway): Watch {
  const watch = new Watch(gateway);
  context.subscriptions.push(
    watch,
    showBar(watch),
    registerCircuits(gateway, watch),
    vscode.commands.registerCommand("aiGateway.menu", () => showMenu(watch)),
  );
  return watch;
}

async function showMenu(watch: Watch): Promise<void> {
  const items = menuOf(watch.outlook, mannerNow()).flatMap(({ title, entries }) => [
    { label: title, kind: vscode.QuickPickItemKind.Separator },
    ...entries.map((entry) => ({ ...entry, iconPath: new vscode.ThemeIcon(entry.icon) })),
  ]);
  const picked = await vscode.window.showQuickPick<vscode.QuickPickItem & Partial<MenuEntry>>(items, {
    title: "AI Gateway",
    placeHolder: vscode.l10n.t("What can be done now"),
    matchOnDescription: true,
  });
  if (picked?.command !== undefined) await vscode.commands.executeCommand(picked.command, ...(picked.given ?? []));
}
