/** When something else may have to be run than what runs. */

import * as vscode from "vscode";
import { onDidChoose, pythonExtension } from "./pythonExtension";

/** Calls back after another setting, another choice of the Python extension, or when a workspace is trusted. */
export class LaunchChanges implements vscode.Disposable {
  readonly #listening: vscode.Disposable[];
  #isThere = pythonExtension() !== undefined;
  #isFollowed = false;

  constructor(private readonly changed: () => void) {
    this.#listening = [
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration("aiGateway.server")) changed();
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(changed),
      vscode.extensions.onDidChange(() => this.#lookForPythonExtension()),
    ];
  }

  /** Hear of the Python extension's choices from now on, if it is active: nobody is told when it becomes so. */
  followPythonExtension(): void {
    const extension = pythonExtension();
    if (this.#isFollowed || extension?.isActive !== true) return;
    this.#isFollowed = true;
    this.#listening.push(onDidChoose(extension, this.changed));
  }

  dispose(): void {
    for (const listener of this.#listening) listener.dispose();
  }

  /** Extensions come and go; only one of them matters here. */
  #lookForPythonExtension(): void {
    const isThere = pythonExtension() !== undefined;
    if (isThere === this.#isThere) return;
    this.#isThere = isThere;
    this.#isFollowed = false;
    this.changed();
  }
}
