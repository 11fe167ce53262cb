/** `ai/editor/input`: the server needs a text that only the person knows. */

import * as vscode from "vscode";
import type { Gateway } from "./gateway";

export function answerInputs(gateway: Gateway): vscode.Disposable {
  return gateway.handle("ai/editor/input", async (params, token) => {
    const { title, placeholder } = params as { title: string; placeholder: string };
    const text = await vscode.window.showInputBox({ title, placeHolder: placeholder, ignoreFocusOut: true }, token);
    return { text: text ?? null };
  });
}
