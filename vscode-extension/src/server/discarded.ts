/** Whether an edit was not made because the person did not want it; VS Code only says that it was not made. */

import type { WorkspaceEdit } from "vscode-languageserver-protocol";

/** It was shown before it was made, and its documents are still those that it was written for. */
export function isDiscarded(edit: WorkspaceEdit, versionOf: (uri: string) => number | undefined): boolean {
  const annotations = Object.values(edit.changeAnnotations ?? {});
  const isShown = annotations.some(({ needsConfirmation }) => needsConfirmation);
  const documents = (edit.documentChanges ?? []).flatMap((change) => ("edits" in change ? [change.textDocument] : []));
  return isShown && documents.every(({ uri, version }) => version === null || version === versionOf(uri));
}
