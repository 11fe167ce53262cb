/** What is said where a stream can't be taken back. */

import * as vscode from "vscode";
import { type Answerer, answererName } from "../status/names";

export function seamWords(from: Answerer, to: Answerer): string {
  return vscode.l10n.t(
    "{0} broke off: what stands above does not count. From here on, anew, {1}:",
    answererName(from, vscode.l10n),
    answererName(to, vscode.l10n),
  );
}
