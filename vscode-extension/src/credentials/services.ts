/** Asks a person, step by step, for a service that speaks OpenAI's API. */

import * as vscode from "vscode";
import { isLocalAddress, notAName, notAnAddress, PRESETS } from "./serviceNames";

/** Tells why a text, which is not empty, is not what was asked for. */
type Wrong = (text: string) => "taken" | "address" | undefined;
type Services = Readonly<Record<string, object>>;

/** The services that the person has set up. */
export function ownServices(): Services {
  return vscode.workspace.getConfiguration("aiGateway").inspect<Services>("services")?.globalValue ?? {};
}

/** Let a person set up one more. Gives its name; undefined: they thought better of it. */
export async function addService(): Promise<string | undefined> {
  const title = vscode.l10n.t("Add a Service with OpenAI's API");
  const preset = await vscode.window.showQuickPick(
    [
      ...PRESETS.map(({ label, name, baseUrl }) => ({ label, name, baseUrl, description: baseUrl })),
      { label: vscode.l10n.t("Another…"), name: "", baseUrl: "https://", description: "" },
    ],
    { title, placeHolder: vscode.l10n.t("Which service?") },
  );
  if (preset === undefined) return undefined;
  const name = await ask(
    title,
    vscode.l10n.t("A name for it, as it stands in the order of tiers"),
    preset.name,
    (text) => notAName(text, ownServices()),
  );
  const baseUrl =
    name && (await ask(title, vscode.l10n.t("Its address; keys and prompts go there"), preset.baseUrl, notAnAddress));
  const model = baseUrl && (await ask(title, vscode.l10n.t("The model that it is asked for"), "", () => undefined));
  const backend = model && (await askBackend(title, baseUrl));
  if (!backend) return undefined;
  const services = { ...ownServices(), [name]: { baseUrl: baseUrl.replace(/\/+$/, ""), model, backend } };
  await vscode.workspace.getConfiguration("aiGateway").update("services", services, vscode.ConfigurationTarget.Global);
  return name;
}

async function ask(title: string, prompt: string, value: string, wrong: Wrong): Promise<string | undefined> {
  const validateInput = (text: string) => entryProblem(text, wrong);
  return (await vscode.window.showInputBox({ title, prompt, value, validateInput, ignoreFocusOut: true }))?.trim();
}

/** Why a text can't be entered, in words; undefined: it can. */
export function entryProblem(text: string, wrong: Wrong): string | undefined {
  const words = {
    empty: vscode.l10n.t("Something must stand here."),
    taken: vscode.l10n.t("Another tier has this name."),
    address: vscode.l10n.t("An address begins with http:// or https:// and holds no user and no password."),
  };
  const problem = text.trim() === "" ? "empty" : wrong(text.trim());
  return problem && words[problem];
}

/** Only what is on this machine may count as local, and only if the person says so. */
async function askBackend(title: string, baseUrl: string): Promise<"cloud" | "local" | undefined> {
  if (!isLocalAddress(baseUrl)) return "cloud";
  const chosen = await vscode.window.showQuickPick(
    [
      {
        label: vscode.l10n.t("The model runs on this machine"),
        detail: vscode.l10n.t("Private questions may be asked there."),
        backend: "local" as const,
      },
      {
        label: vscode.l10n.t("It passes prompts on to somewhere else"),
        detail: vscode.l10n.t("Private questions do not go there."),
        backend: "cloud" as const,
      },
    ],
    { title, placeHolder: vscode.l10n.t("Where does the model run?") },
  );
  return chosen?.backend;
}
