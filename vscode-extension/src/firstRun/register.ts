/** What a person does first: the walkthrough, and the outage that needs no credentials. */

import * as vscode from "vscode";
import type { Answers } from "../ask/answers";
import { wordsOf } from "../credentials/github";
import type { Backend } from "../generated/messages";
import type { Gateway } from "../server/gateway";
import { Simulation } from "./simulation";

const WALKTHROUGH = "ai-gateway.ai-gateway#aiGateway.start";

export function registerFirstRun(context: vscode.ExtensionContext, gateway: Gateway, answers: Answers): void {
  const simulation = new Simulation(gateway, answers);
  const command = (name: string, act: (argument: unknown) => Promise<unknown>) =>
    vscode.commands.registerCommand(`aiGateway.${name}`, (argument?: unknown) => act(argument).catch(tell));
  context.subscriptions.push(
    simulation,
    gateway.onDidChangeStatus(() => showInContext(gateway)),
    gateway.onDidChangeState(() => showInContext(gateway)),
    command("simulate", () => simulation.begin()),
    command("endSimulation", () => simulation.end()),
    command("simulateFault", (provider) => simulation.choose(provider)),
    command("openWalkthrough", () => openWalkthrough(gateway)),
  );
}

/** Steps of the walkthrough whose backend can be asked are done without it. */
function showInContext(gateway: Gateway): void {
  for (const backend of readyBackends(gateway)) setReady(backend, true);
}

function readyBackends({ state, status }: Gateway): Set<Backend> {
  const isReal = state.kind === "running" && !state.simulated;
  const ready = (isReal ? (status?.providers ?? []) : []).filter(({ backend, reason, reachable }) =>
    backend === "local" ? reachable === true : reason === null,
  );
  return new Set(ready.map(({ backend }) => backend));
}

async function openWalkthrough(gateway: Gateway): Promise<void> {
  await vscode.commands.executeCommand("workbench.action.openWalkthrough", WALKTHROUGH, false);
  for (const backend of readyBackends(gateway)) {
    setReady(backend, false); // it takes note of changes only
    setReady(backend, true);
  }
}

function setReady(backend: Backend, isReady: boolean): void {
  void vscode.commands.executeCommand("setContext", `aiGateway.ready.${backend}`, isReady);
}

function tell(error: unknown): void {
  void vscode.window.showErrorMessage(wordsOf(error));
}
