/** Texts to read: the server writes each into a file of its own, and VS Code shows it as Markdown is meant to look. */

import * as vscode from "vscode";
import type {
  CancellationToken,
  ShowDocumentParams,
  ShowDocumentRequest,
  ShowDocumentResult,
} from "vscode-languageclient";
import { isPage } from "./pagePaths";

/** Opens the preview of a page; everything else as the language client does. */
export async function previewPages(
  params: ShowDocumentParams,
  token: CancellationToken,
  next: ShowDocumentRequest.HandlerSignature,
): Promise<ShowDocumentResult> {
  const uri = vscode.Uri.parse(params.uri);
  if (params.external !== true && uri.scheme === "file" && isPage(uri.fsPath) && (await preview(uri))) {
    return { success: true };
  }
  return (await next(params, token)) as ShowDocumentResult;
}

async function preview(page: vscode.Uri): Promise<boolean> {
  try {
    await vscode.commands.executeCommand("markdown.showPreview", page);
    return true;
  } catch {
    return false; // the preview is an extension, which can be switched off
  }
}
