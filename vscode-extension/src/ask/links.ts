/** Links of an answer: a model wrote them, so each is looked at before it is followed. */

import * as vscode from "vscode";

const OPENED = ["http", "https", "mailto"];
const FILE_LINK = /^(?<path>[^?#]+)(?:#L?(?<line>\d+))?/;

/** Open a page or a mailbox outside, or a file of the workspace; anything else is not followed. */
export async function openLink(href: string): Promise<string | undefined> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(href)?.[1]?.toLowerCase();
  if (scheme !== undefined) {
    if (OPENED.includes(scheme)) await vscode.env.openExternal(vscode.Uri.parse(href, true));
    return undefined;
  }
  return openFile(href);
}

async function openFile(href: string): Promise<string | undefined> {
  const { path, line } = FILE_LINK.exec(href)?.groups ?? {};
  const name = path ? decoded(path) : "";
  const isOutside = name.startsWith("/") || name.split(/[\\/]/).includes("..");
  for (const folder of isOutside || !name ? [] : (vscode.workspace.workspaceFolders ?? [])) {
    const uri = vscode.Uri.joinPath(folder.uri, name);
    if (!(await isFile(uri))) continue;
    const at = new vscode.Position(Math.max(0, Number(line ?? 1) - 1), 0);
    await vscode.window.showTextDocument(uri, { selection: new vscode.Range(at, at) });
    return undefined;
  }
  return vscode.l10n.t("There is no {0} in this workspace.", name || href);
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // a lone "%" is part of the name then
  }
}

async function isFile(uri: vscode.Uri): Promise<boolean> {
  try {
    return ((await vscode.workspace.fs.stat(uri)).type & vscode.FileType.File) !== 0;
  } catch {
    return false; // it is not there
  }
}
