/** The item in the status bar. It says only what was pushed, and never pops up. */

import * as vscode from "vscode";
import { LINKED_COMMANDS } from "./hover";
import { mannerNow, type Watch } from "./watch";
import { type BarWords, barWords } from "./words";

const BEFORE_OTHERS = 90;

/** Show how things are, from now on. */
export function showBar(watch: Watch): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("aiGateway.status", vscode.StatusBarAlignment.Right, BEFORE_OTHERS);
  item.name = "AI Gateway";
  item.command = "aiGateway.menu";
  let shown = "";
  const show = () => {
    const words = barWords(watch.outlook, mannerNow());
    if (JSON.stringify(words) === shown) return; // the hover would close under the mouse
    shown = JSON.stringify(words);
    say(item, words);
  };
  show();
  item.show();
  return vscode.Disposable.from(watch.onDidChange(show), item);
}

function say(item: vscode.StatusBarItem, words: BarWords): void {
  item.text = words.text;
  item.accessibilityInformation = { label: words.accessibleName, role: "button" };
  item.backgroundColor = words.background && new vscode.ThemeColor(`statusBarItem.${words.background}Background`);
  item.tooltip = new vscode.MarkdownString(words.tooltip, true);
  item.tooltip.supportHtml = true; // for a quiet colour
  item.tooltip.isTrusted = { enabledCommands: LINKED_COMMANDS };
}
