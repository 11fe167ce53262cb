/** The code that a question is about: a document, and where in it. */

import * as vscode from "vscode";
import type { Chip } from "../webview/answer/messages";
import { documentName, isCell, opened, show } from "./documents";
import { placeOf } from "./fitting";
import type { Place, Region } from "./turn";

export interface CodeContext {
  readonly uri: vscode.Uri;
  readonly range: vscode.Range;
  /** What stood there; without it, the range holds whatever is typed meanwhile. */
  readonly text?: string;
}

/** A place in a document that is open. */
export interface Spot {
  readonly document: vscode.TextDocument;
  readonly range: vscode.Range;
}

/** What is in front: the selection, or the place of the cursor; of a notebook, the cell that is chosen. */
export function spotInFront(): Spot | undefined {
  const { activeTextEditor: editor, activeNotebookEditor } = vscode.window;
  if (editor && !isCell(editor.document.uri)) return spotOf(editor);
  const chosen = activeNotebookEditor?.notebook.getCells()[activeNotebookEditor.selection.start]?.document;
  // one that is shown as text has no editor, and the last one that had stays active
  if (editor && (!chosen || chosen === editor.document)) return spotOf(editor);
  return chosen && wholeOf(chosen);
}

/** A cell in which nothing is selected is meant whole. */
export function spotOf({ document, selection }: vscode.TextEditor): Spot {
  return selection.isEmpty && isCell(document.uri) ? wholeOf(document) : { document, range: selection };
}

function wholeOf(document: vscode.TextDocument): Spot {
  return { document, range: new vscode.Range(0, 0, document.lineCount, 0) };
}

/** Keep what stands there now. */
export function contextOf({ document, range }: Spot): CodeContext {
  return { uri: document.uri, range, text: document.getText(range) };
}

/** Find code again that was typed around since. Throws where its document is gone. */
export async function found({ uri, range, text = "" }: CodeContext): Promise<Spot> {
  const document = await opened(uri);
  const at = text === "" ? undefined : placeOf(text, document.getText(), document.offsetAt(range.start));
  if (at === undefined) return { document, range: document.validateRange(range) };
  return { document, range: new vscode.Range(document.positionAt(at), document.positionAt(at + text.length)) };
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
export function chipOf(uri: vscode.Uri, range: vscode.Range): Chip {
  const endsBefore = !range.isEmpty && range.end.character === 0;
  const [first, last] = [range.start.line + 1, range.end.line + (endsBefore ? 0 : 1)];
  const lines = last > first ? `${first}-${last}` : String(first);
  const { short, long } = documentName(uri);
  return { label: `${short}:${lines}`, title: `${long}:${lines}` };
}

/** Keep what the lines say now, so that an answer can take their place later. */
export function regionOf({ document, range }: Spot): Region {
  return { uri: document.uri.toString(), ...wireRange(document.validateRange(range)), text: document.getText(range) };
}

/** As LSP has it. */
interface WireRange {
  readonly start: Place;
  readonly end: Place;
}

export function wireRange({ start, end }: vscode.Range): WireRange {
  return {
    start: { line: start.line, character: start.character },
    end: { line: end.line, character: end.character },
  };
}

export function rangeFrom({ start, end }: WireRange): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}

/** Open the document, with the code selected where it is by now. */
export async function showRegion({ uri, text, ...where }: Region): Promise<void> {
  const { document, range } = await found({ uri: vscode.Uri.parse(uri), range: rangeFrom(where), text });
  await show(document, { selection: range });
}
