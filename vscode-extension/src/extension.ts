import type * as vscode from "vscode";

/** Put the parts together; what each does stands in its own file. */
export function activate(_context: vscode.ExtensionContext): void {}
