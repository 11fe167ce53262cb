/** How things are, kept up to date by what the server says; nobody asks it. */

import * as vscode from "vscode";
import type { Manner } from "../manner";
import type { Gateway } from "../server/gateway";
import type { Received } from "./standing";
import type { Outlook } from "./words";

/** Keeps the outlook. */
export class Watch implements vscode.Disposable {
  private since = new Date();
  private received: Received | undefined;
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly listening: vscode.Disposable[];
  readonly onDidChange = this.changed.event;

  constructor(private readonly gateway: Gateway) {
    this.receive();
    this.listening = [
      gateway.onDidChangeState(() => {
        this.since = new Date();
        if (gateway.state.kind !== "running") this.received = undefined;
        this.changed.fire();
      }),
      gateway.onDidChangeStatus(() => {
        this.receive();
        this.changed.fire();
      }),
      this.changed,
    ];
  }

  /** What is known now. */
  get outlook(): Outlook {
    return { server: this.gateway.state, since: this.since, received: this.received };
  }

  dispose(): void {
    for (const each of this.listening) each.dispose();
  }

  private receive(): void {
    const summary = this.gateway.status;
    this.received = summary === undefined ? undefined : { summary, at: new Date() };
  }
}

/** How to speak to the person at this moment. */
export function mannerNow(): Manner {
  return { l10n: vscode.l10n, locale: vscode.env.language, now: new Date() };
}
