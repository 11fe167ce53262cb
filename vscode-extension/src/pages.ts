/** Texts to read that are in no file: shown as Markdown is meant to look. */

import * as vscode from "vscode";

const SCHEME = "ai-gateway";
/** A page that is shown may be asked for again, as when its editor is moved. */
const MOST_PAGES = 30;

const pages = new Map<string, string>();
const changed = new vscode.EventEmitter<vscode.Uri>();

/** Let pages be shown; once for the extension. */
export function registerPages(context: vscode.ExtensionContext): void {
  const provider: vscode.TextDocumentContentProvider = {
    onDidChange: changed.event,
    provideTextDocumentContent: (uri) => pages.get(uri.path) ?? vscode.l10n.t("This page is gone. Ask for it again."),
  };
  context.subscriptions.push(vscode.workspace.registerTextDocumentContentProvider(SCHEME, provider), changed);
}

/** Show a page; one of the same title takes its place. */
export async function showPage(title: string, markdown: string): Promise<void> {
  const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${title.replaceAll("/", "∕")}.md` });
  keep(uri.path, markdown);
  changed.fire(uri);
  try {
    await vscode.commands.executeCommand("markdown.showPreview", uri);
  } catch {
    await vscode.window.showTextDocument(uri); // the preview is an extension, which can be switched off
  }
}

function keep(path: string, markdown: string): void {
  pages.delete(path);
  pages.set(path, markdown);
  const oldest = pages.keys().next();
  if (pages.size > MOST_PAGES && oldest.done === false) pages.delete(oldest.value);
}
