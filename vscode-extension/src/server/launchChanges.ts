/** When something else may have to be run than what runs. */

import type { PythonExtension } from "@vscode/python-extension";
import * as vscode from "vscode";
import { PYTHON_EXTENSION } from "./python";

/** Calls back after another setting, another interpreter of the Python extension, or when a workspace is trusted. */
export function onLaunchMayChange(changed: () => void): vscode.Disposable {
  const listening = [
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("aiGateway.server")) changed();
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(changed),
  ];
  void followPythonExtension(changed, listening);
  return new vscode.Disposable(() => {
    for (const listener of listening) listener.dispose();
  });
}

async function followPythonExtension(changed: () => void, listening: vscode.Disposable[]): Promise<void> {
  const extension = vscode.extensions.getExtension<PythonExtension>(PYTHON_EXTENSION);
  try {
    const api = await extension?.activate();
    if (api) listening.push(api.environments.onDidChangeActiveEnvironmentPath(changed));
  } catch {
    // it could not be activated; it tells people so by itself
  }
}
