/** The walkthrough, with the steps ticked off that are done already. */

import * as vscode from "vscode";
import type { Backend } from "../generated/messages";
import type { Gateway } from "../server/gateway";

const ID = "ai-gateway.ai-gateway#aiGateway.start";

export class Walkthrough implements vscode.Disposable {
  #following: vscode.Disposable | undefined;

  constructor(private readonly gateway: Gateway) {}

  async open(): Promise<void> {
    await vscode.commands.executeCommand("workbench.action.openWalkthrough", ID, false);
    // Not before: VS Code ticks off a step only if its context key changes while it knows the step.
    this.#following ??= this.gateway.onDidChangeStatus(() => this.#tickOff());
    this.#tickOff();
  }

  dispose(): void {
    this.#following?.dispose();
  }

  #tickOff(): void {
    for (const backend of readyBackends(this.gateway)) {
      void vscode.commands.executeCommand("setContext", `aiGateway.ready.${backend}`, true);
    }
  }
}

/** Those that can be asked; of this machine's model, only a check tells. */
function readyBackends({ state, status }: Gateway): Set<Backend> {
  const isReal = state.kind === "running" && !state.simulated;
  const ready = (isReal ? (status?.providers ?? []) : []).filter(({ backend, reason, reachable }) =>
    backend === "local" ? reachable === true : reason === null,
  );
  return new Set(ready.map(({ backend }) => backend));
}
