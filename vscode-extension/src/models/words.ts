/** What is said where a stream can't be taken back. */

import * as vscode from "vscode";

export function seamWords(from: string, to: string): string {
  return vscode.l10n.t("{0} broke off: what stands above does not count. From here on, anew, {1}:", from, to);
}
