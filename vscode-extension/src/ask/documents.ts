/** Documents that code is in: files, cells of notebooks, and whatever else is shown as text. */

import * as vscode from "vscode";
import type { PromptParams } from "../generated/messages";

/** Output, other versions of a file and files of virtual workspaces are not opened at the server. */
const OPEN_AT_SERVER = ["file", "untitled"];
const CELL = "vscode-notebook-cell";

interface Cell {
  readonly notebook: vscode.Uri;
  /** Counts from 1, as the notebook's editor does. */
  readonly number: number;
}

export interface Name {
  /** `shop.py`, `analysis.ipynb cell 3`, or `shop.py (git)`. */
  readonly short: string;
  /** The same with its folders. */
  readonly long: string;
}

export function isOpenAtServer({ scheme }: vscode.Uri): boolean {
  return OPEN_AT_SERVER.includes(scheme);
}

export function isCell({ scheme }: vscode.Uri): boolean {
  return scheme === CELL;
}

/** What `ai/prompt` is told of a document; of a cell, the notebook's own address, by which it may be kept out. */
export function toldOf(document: vscode.TextDocument): Pick<PromptParams, "uri" | "document"> {
  const { uri, languageId } = document;
  if (isOpenAtServer(uri)) return { uri: uri.toString() };
  const cell = cellAt(uri);
  const path = cell ? { path: `${vscode.workspace.asRelativePath(cell.notebook)} cell ${cell.number}` } : {};
  const given = { text: document.getText(), language_id: languageId, ...path };
  return { uri: (cell?.notebook ?? uri).toString(), document: given };
}

export function documentName(uri: vscode.Uri): Name {
  const cell = cellAt(uri);
  const file = cell?.notebook ?? uri;
  const whole = (name: string) => {
    if (cell) return vscode.l10n.t("{0} cell {1}", name, cell.number);
    return isOpenAtServer(uri) ? name : `${name} (${uri.scheme})`;
  };
  return { short: whole(lastOf(file)), long: whole(vscode.workspace.asRelativePath(file)) };
}

/** Whether code in it can be replaced. */
export function isWritable(uri: vscode.Uri): boolean {
  const { scheme } = cellAt(uri)?.notebook ?? uri;
  return isOpenAtServer(uri) || vscode.workspace.fs.isWritableFileSystem(scheme) === true;
}

/** Throws where it is gone, in words. */
export async function opened(uri: vscode.Uri): Promise<vscode.TextDocument> {
  try {
    return await vscode.workspace.openTextDocument(uri);
  } catch (error) {
    throw new Error(vscode.l10n.t("{0} is gone, or can't be opened.", documentName(uri).short), { cause: error });
  }
}

/** Bring it to the front. */
export async function show({ uri }: vscode.TextDocument, how: vscode.TextDocumentShowOptions): Promise<void> {
  if (isCell(uri)) await vscode.commands.executeCommand("vscode.open", uri, how);
  else await vscode.window.showTextDocument(uri, how);
}

function cellAt(uri: vscode.Uri): Cell | undefined {
  if (!isCell(uri)) return undefined;
  for (const notebook of vscode.workspace.notebookDocuments) {
    const cell = notebook.getCells().find(({ document }) => document.uri.toString() === uri.toString());
    if (cell) return { notebook: notebook.uri, number: cell.index + 1 };
  }
  return undefined;
}

const lastOf = ({ path }: vscode.Uri) => path.slice(path.lastIndexOf("/") + 1);
