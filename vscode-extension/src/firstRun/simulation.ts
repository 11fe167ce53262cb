/** The simulated outage: a server whose upstreams are fakes of its own, a short story, and switches to play with. */

import * as vscode from "vscode";
import type { Answers } from "../ask/answers";
import type { Gateway } from "../server/gateway";
import { ALL_WELL, type Fault, type Faults, faultsOf, faultWords, SIMULATED, type Simulated, scenes } from "./story";

const PAUSE_MS = 2500;

export class Simulation implements vscode.Disposable {
  #faults: Faults = ALL_WELL;
  /** Cancelled when the story, or the whole simulation, ends. */
  #telling: vscode.CancellationTokenSource | undefined;
  #said = "";
  #starting: Promise<void> | undefined;
  readonly #following: vscode.Disposable;

  constructor(
    private readonly gateway: Gateway,
    private readonly answers: Answers,
  ) {
    this.#following = gateway.onDidChangeState(({ kind }) => {
      if (kind === "starting") this.#forget();
      else if (isSimulated(gateway)) this.#show();
      else this.#close();
    });
  }

  /** Start it, and tell the story from its beginning; a question of the person's own ends it. */
  async begin(): Promise<void> {
    if (!isSimulated(this.gateway)) await this.#start();
    if (!isSimulated(this.gateway)) return; // why there is no server is told by its own notices
    this.#telling?.cancel();
    const telling = new vscode.CancellationTokenSource();
    this.#telling = telling;
    try {
      await vscode.commands.executeCommand("aiGateway.newConversation");
      await this.#tell(telling.token);
    } catch (error) {
      if (!telling.token.isCancellationRequested) throw error;
    }
  }

  /** Once, however often it is asked for meanwhile. */
  #start(): Promise<void> {
    this.#starting ??= this.gateway.restart({ simulated: true }).finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** Go back to the real providers. */
  async end(): Promise<void> {
    this.#close();
    if (this.gateway.state.kind === "running" && !this.gateway.state.simulated) return;
    await this.gateway.restart({ simulated: false });
    await vscode.commands.executeCommand("aiGateway.newConversation");
  }

  /** Let the person choose what a provider does from now on. */
  async choose(provider: unknown): Promise<void> {
    const name = SIMULATED.find((known) => known === provider) ?? (await pickProvider(this.#faults));
    const fault = name && (await pickFault(name, this.#faults[name]));
    if (name === undefined || fault === undefined) return;
    this.#telling?.cancel();
    this.#said = "";
    await this.#set({ ...this.#faults, [name]: fault.value });
  }

  dispose(): void {
    this.#telling?.cancel();
    this.#following.dispose();
  }

  async #tell(ended: vscode.CancellationToken): Promise<void> {
    let { begun } = this.answers;
    for (const [at, scene] of scenes(vscode.l10n).entries()) {
      if (at > 0) await pause(ended);
      if (ended.isCancellationRequested) return;
      if (this.answers.begun !== begun)
        return this.#say(vscode.l10n.t("Ask what you like, and switch faults on and off."));
      this.#said = scene.said;
      await this.#set(scene.faults);
      if (scene.resets) await this.gateway.request("ai/reset", { cache: true });
      await this.answers.ask({ question: scene.question, context: null });
      begun += 1;
    }
    if (ended.isCancellationRequested) return;
    this.#say(vscode.l10n.t("That was the story. Ask what you like, and switch faults on and off."));
  }

  #say(words: string): void {
    this.#said = words;
    this.#show();
  }

  async #set(wanted: Faults): Promise<void> {
    for (const provider of SIMULATED) {
      const fault = wanted[provider];
      if (fault !== this.#faults[provider]) await this.gateway.request("ai/simulate", { provider, fault });
    }
    this.#faults = wanted;
    this.#show();
  }

  #show(): void {
    const intro = vscode.l10n.t("Simulated: nothing leaves this machine.");
    const names = titles();
    const switches = SIMULATED.map((provider) => ({
      label: names[provider],
      command: "aiGateway.simulateFault",
      argument: provider,
      isOn: this.#faults[provider] === null,
    }));
    const offers = [
      ...switches,
      { label: vscode.l10n.t("Again"), command: "aiGateway.simulate" },
      { label: vscode.l10n.t("End"), command: "aiGateway.endSimulation" },
    ];
    this.answers.setBanner({ text: [intro, this.#said].join(" ").trim(), offers });
  }

  /** Another server knows of no faults, and of no story. */
  #forget(): void {
    this.#telling?.cancel();
    this.#telling = undefined;
    this.#faults = ALL_WELL;
    this.#said = "";
  }

  #close(): void {
    this.#forget();
    this.answers.setBanner(null);
  }
}

function isSimulated({ state }: Gateway): boolean {
  return state.kind === "running" && state.simulated;
}

/** Leaves the person time to read; ends early with the story. */
function pause(ended: vscode.CancellationToken): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PAUSE_MS);
    ended.onCancellationRequested(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function titles(): Record<Simulated, string> {
  return {
    copilot: vscode.l10n.t("Copilot"),
    openai: vscode.l10n.t("Cloud"),
    ollama: vscode.l10n.t("Local"),
  };
}

async function pickProvider(now: Faults): Promise<Simulated | undefined> {
  const words = faultWords(vscode.l10n);
  const names = titles();
  const items = SIMULATED.map((provider) => ({
    label: names[provider],
    description: describe(now[provider], words),
    provider,
  }));
  const placeHolder = vscode.l10n.t("Whose outage would you like to see?");
  return (await vscode.window.showQuickPick(items, { title: vscode.l10n.t("Simulated Outage"), placeHolder }))
    ?.provider;
}

async function pickFault(provider: Simulated, now: Fault | null): Promise<{ value: Fault | null } | undefined> {
  const words = faultWords(vscode.l10n);
  const choices: (Fault | null)[] = [null, ...faultsOf(provider)];
  const items = choices.map((value) => ({
    label: describe(value, words),
    description: value === now ? vscode.l10n.t("now") : "",
    value,
  }));
  const placeHolder = vscode.l10n.t("What shall {0} do from now on?", titles()[provider]);
  return vscode.window.showQuickPick(items, { title: vscode.l10n.t("Simulated Outage"), placeHolder });
}

function describe(fault: Fault | null, words: Readonly<Record<Fault, string>>): string {
  return fault === null ? vscode.l10n.t("It answers") : words[fault];
}
