/** What the Python extension runs the code of this workspace with. */

import type { PythonExtension } from "@vscode/python-extension";
import * as vscode from "vscode";

const PYTHON_EXTENSION = "ms-python.python";

/** Find it, if it is installed and switched on. */
export function pythonExtension(): vscode.Extension<PythonExtension> | undefined {
  return vscode.extensions.getExtension<PythonExtension>(PYTHON_EXTENSION);
}

/** Ask it, starting it if it does not run. What it has chosen may lie in the workspace, so only if that is trusted. */
export async function activeInterpreter(extension: vscode.Extension<PythonExtension>): Promise<string | undefined> {
  if (!vscode.workspace.isTrusted) return undefined;
  try {
    const { environments } = await extension.activate();
    const environment = await environments.resolveEnvironment(environments.getActiveEnvironmentPath());
    return environment?.executable.uri?.fsPath;
  } catch {
    return undefined; // it has its own ways to say what is wrong with it
  }
}

/** Calls back when it has chosen another one. An old version tells nobody, and is asked at each start only. */
export function onDidChoose(extension: vscode.Extension<PythonExtension>, changed: () => void): vscode.Disposable {
  const exported: Partial<PythonExtension> | undefined = extension.exports;
  return exported?.environments?.onDidChangeActiveEnvironmentPath(changed) ?? new vscode.Disposable(() => undefined);
}
