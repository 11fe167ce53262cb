/** What can be done with code of an answer. Each says what went wrong, or nothing. */

import * as vscode from "vscode";
import { documentName, opened, show } from "./documents";
import { fitted, placeOf } from "./fitting";
import type { Region } from "./turn";

/** Put code where the cursor is in the active editor. */
export async function insertAtCursor(code: string): Promise<string | undefined> {
  const editor = vscode.window.activeTextEditor;
  if (!editor) return vscode.l10n.t("No editor is open to insert this into. It can be opened as a new file.");
  const isDone = await editor.edit((edit) => edit.insert(editor.selection.active, code));
  if (!isDone) return vscode.l10n.t("The editor did not take the code; it may be read-only.");
  await show(editor.document, { viewColumn: editor.viewColumn ?? vscode.ViewColumn.Active });
  return undefined;
}

/** Let code take the place of a region, after the person saw in VS Code's refactor preview what changes. */
export async function applyTo(region: Region, code: string): Promise<string | undefined> {
  const document = await opened(vscode.Uri.parse(region.uri));
  const name = documentName(document.uri).long;
  const was = document.offsetAt(new vscode.Position(region.start.line, region.start.character));
  const at = placeOf(region.text, document.getText(), was);
  if (at === undefined) {
    return vscode.l10n.t(
      "The code in {0} has changed since the question was asked, so nothing was replaced. The answer's code can be copied or inserted.",
      name,
    );
  }
  const range = new vscode.Range(document.positionAt(at), document.positionAt(at + region.text.length));
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, range, fitted(code, region.text), {
    needsConfirmation: true,
    label: vscode.l10n.t("Code of the answer"),
    description: name,
  });
  await vscode.workspace.applyEdit(edit, { isRefactoring: true });
  return undefined;
}

/** Open code as a file that is not saved yet. */
export async function openAsNewFile(code: string, language: string): Promise<undefined> {
  const known = await vscode.languages.getLanguages();
  const named = known.includes(language) ? { language } : {};
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content: `${code}\n`, ...named }));
  return undefined;
}
