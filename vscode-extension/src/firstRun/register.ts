/** What a person does first: the walkthrough, and the outage that needs no credentials. */

import * as vscode from "vscode";
import type { Answers } from "../ask/answers";
import { wordsOf } from "../credentials/github";
import type { Gateway } from "../server/gateway";
import { Simulation } from "./simulation";
import { Walkthrough } from "./walkthrough";

export function registerFirstRun(context: vscode.ExtensionContext, gateway: Gateway, answers: Answers): void {
  const simulation = new Simulation(gateway, answers);
  const walkthrough = new Walkthrough(gateway);
  const command = (name: string, act: (argument: unknown) => Promise<unknown>) =>
    vscode.commands.registerCommand(`aiGateway.${name}`, (argument?: unknown) => act(argument).catch(tell));
  context.subscriptions.push(
    simulation,
    walkthrough,
    command("simulate", () => simulation.begin()),
    command("endSimulation", () => simulation.end()),
    command("simulateFault", (provider) => simulation.choose(provider)),
    command("openWalkthrough", () => walkthrough.open()),
  );
}

function tell(error: unknown): void {
  void vscode.window.showErrorMessage(wordsOf(error));
}
