/** The trace of the connection in the extension's log, as the setting `aiGateway.trace.server` wants it. */

import * as vscode from "vscode";
import { Redactor } from "./redact";
import type { Trace, TraceLevel } from "./trace";

const SETTING = "aiGateway.trace.server";

export class LogTrace implements Trace, vscode.Disposable {
  readonly redactor = new Redactor();
  readonly #listening: vscode.Disposable;
  #level: TraceLevel | undefined;

  constructor(private readonly log: vscode.LogOutputChannel) {
    this.#listening = vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration(SETTING)) this.#level = undefined;
    });
  }

  get level(): TraceLevel {
    this.#level ??= vscode.workspace.getConfiguration().get<TraceLevel>(SETTING, "off");
    return this.#level;
  }

  write(line: string): void {
    this.log.info(line);
  }

  dispose(): void {
    this.#listening.dispose();
  }
}
