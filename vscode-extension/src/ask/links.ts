/** Links of an answer: a model wrote them, so each is looked at before it is followed. */

import * as vscode from "vscode";
import { type LinkedPlace, targetOf } from "./linkTarget";

/** So much of an address is named. */
const LONGEST = 80;

/** Open a page or a mailbox outside, or a file of the workspace; gives why a link is not followed. */
export async function openLink(href: string): Promise<string | undefined> {
  const target = targetOf(href);
  switch (target.kind) {
    case "outside":
      await vscode.env.openExternal(vscode.Uri.parse(target.address, true));
      return undefined;
    case "file":
      return openPlace(target.path, target.place);
    case "refused":
      return vscode.l10n.t(
        "This link is not followed, as it leads neither to the web nor to a file of this workspace: {0}",
        shortened(href),
      );
  }
}

async function openPlace(path: string, place: LinkedPlace): Promise<string | undefined> {
  for (const folder of vscode.workspace.workspaceFolders ?? []) {
    const from = path.startsWith("/") ? folder.uri.with({ path: "/" }) : folder.uri;
    const uri = vscode.Uri.joinPath(from, path); // without any ".."
    const type = vscode.workspace.getWorkspaceFolder(uri) && (await typeOf(uri));
    if (type === undefined) continue;
    if (type & vscode.FileType.Directory) await vscode.commands.executeCommand("revealInExplorer", uri);
    else await vscode.window.showTextDocument(uri, { selection: rangeOf(place) });
    return undefined;
  }
  return vscode.l10n.t("There is no {0} in this workspace.", shortened(path));
}

function rangeOf({ line, column, endLine }: LinkedPlace): vscode.Range {
  const start = new vscode.Position(Math.max(0, line - 1), Math.max(0, column - 1));
  return endLine === undefined ? new vscode.Range(start, start) : new vscode.Range(start, endOf(endLine));
}

function endOf(line: number): vscode.Position {
  return new vscode.Position(Math.max(0, line - 1), Number.MAX_SAFE_INTEGER);
}

async function typeOf(uri: vscode.Uri): Promise<vscode.FileType | undefined> {
  try {
    return (await vscode.workspace.fs.stat(uri)).type;
  } catch {
    return undefined; // it is not there
  }
}

function shortened(address: string): string {
  return address.length > LONGEST ? `${address.slice(0, LONGEST)}…` : address;
}
