/** The code that a question is about: a document, and where in it. */

import * as vscode from "vscode";
import type { Chip } from "../webview/answer/messages";
import { placeOf } from "./fitting";
import type { Place, Region } from "./turn";

export interface CodeContext {
  readonly uri: vscode.Uri;
  readonly range: vscode.Range;
  /** What stood there; without it, the range holds whatever is typed meanwhile. */
  readonly text?: string;
}

/** Documents that the server is told of: not output, what something else shows, or files of a virtual workspace. */
const KNOWN_TO_SERVER = ["file", "untitled"];

/** What an editor shows: the selection, or the place of the cursor. */
export function contextOf(editor: vscode.TextEditor | undefined): CodeContext | undefined {
  const where = whereIn(editor);
  return where && editor && { ...where, text: editor.document.getText(where.range) };
}

/** The same without its text, which may be long: it changes with every move of the cursor. */
export function whereIn(editor: vscode.TextEditor | undefined): CodeContext | undefined {
  if (!editor || !KNOWN_TO_SERVER.includes(editor.document.uri.scheme)) return undefined;
  return { uri: editor.document.uri, range: editor.selection };
}

/** Find code again that was typed around since. */
export async function current(context: CodeContext): Promise<CodeContext> {
  const { text = "", uri, range } = context;
  const document = await vscode.workspace.openTextDocument(uri);
  const at = text === "" ? undefined : placeOf(text, document.getText(), document.offsetAt(range.start));
  if (at === undefined) return { ...context, range: document.validateRange(range) };
  return { ...context, range: new vscode.Range(document.positionAt(at), document.positionAt(at + text.length)) };
}

/** What a command of the server's was given: `{uri, range}`; undefined if it was given something else. */
export function contextOfArgument(argument: unknown): CodeContext | undefined {
  if (!isArgument(argument)) return undefined;
  return { uri: vscode.Uri.parse(argument.uri), range: rangeFrom(argument.range) };
}

interface Argument {
  readonly uri: string;
  readonly range: { readonly start: Place; readonly end: Place };
}

function isArgument(argument: unknown): argument is Argument {
  if (typeof argument !== "object" || argument === null) return false;
  const { uri, range } = argument as Partial<Argument>;
  return typeof uri === "string" && typeof range?.start?.line === "number" && typeof range.end?.line === "number";
}

/** Name the lines shortly: `shop.py:3-9`. */
export function chipOf({ uri, range }: CodeContext): Chip {
  const endsBefore = !range.isEmpty && range.end.character === 0;
  const [first, last] = [range.start.line + 1, range.end.line + (endsBefore ? 0 : 1)];
  const lines = last > first ? `${first}-${last}` : String(first);
  const name = uri.path.slice(uri.path.lastIndexOf("/") + 1);
  return { label: `${name}:${lines}`, title: `${vscode.workspace.asRelativePath(uri)}:${lines}` };
}

/** Keep what the lines say now, so that an answer can take their place later. */
export async function regionOf(uri: vscode.Uri, range: vscode.Range): Promise<Region> {
  const document = await vscode.workspace.openTextDocument(uri);
  const { start, end } = document.validateRange(range);
  return { uri: uri.toString(), start: plain(start), end: plain(end), text: document.getText(range) };
}

/** As LSP has it. */
export function plain({ line, character }: vscode.Position): Place {
  return { line, character };
}

export function rangeFrom({ start, end }: { readonly start: Place; readonly end: Place }): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}

/** Open the document, with the code selected. */
export async function showRegion({ uri, ...where }: Region): Promise<void> {
  await vscode.window.showTextDocument(vscode.Uri.parse(uri), { selection: rangeFrom(where) });
}
