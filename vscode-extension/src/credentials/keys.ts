/** Entering and removing keys of cloud providers. */

import * as vscode from "vscode";
import type { Gateway } from "../server/gateway";
import { checkAndTell } from "./check";
import { KEY_KINDS, type KeyKind, kindNamed, kindOf, kindOfService, looksForeign, notAKey } from "./keyNames";
import type { KeyStore } from "./keyStore";
import { notAnAddress } from "./serviceNames";
import { addService, entryProblem, ownServices } from "./services";

/** What the commands need. */
interface Parts {
  readonly gateway: Gateway;
  readonly keys: KeyStore;
  /** Tell the server what holds now. */
  tell(): Promise<void>;
}

export function registerKeys(parts: Parts): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.commands.registerCommand("aiGateway.setKey", (provider?: unknown) => setKey(parts, provider)),
    vscode.commands.registerCommand("aiGateway.removeKey", () => removeKey(parts)),
  );
}

async function setKey(parts: Parts, provider: unknown): Promise<void> {
  const kind = kindNamed(provider, ownServices()) ?? (await chosenKind(parts.keys));
  if (kind === undefined) return;
  const isService = Object.hasOwn(ownServices(), kind.provider);
  const key = await enteredKey(kind, isService);
  if (key === undefined) return;
  if (kind.provider === "azure" && !(await knowsAzure())) return;
  if (key !== "") await parts.keys.keep(kind.name, key);
  await parts.tell();
  const done = key === "" ? "" : vscode.l10n.t("The key of {0} is kept in VS Code's secret storage.", kind.title);
  await checked(parts.gateway, kind, done);
}

async function checked(gateway: Gateway, kind: KeyKind, done: string): Promise<void> {
  if (gateway.state.kind === "running" && gateway.state.simulated) {
    void vscode.window.showInformationMessage(vscode.l10n.t("{0} It is used when the simulation has ended.", done));
    return;
  }
  await checkAndTell(gateway, kind.provider, kind.title, done);
}

type Choice = vscode.QuickPickItem & { readonly choose: () => Promise<KeyKind | undefined> };

async function chosenKind(keys: KeyStore): Promise<KeyKind | undefined> {
  const known = new Set(await keys.names());
  const choiceOf = (kind: KeyKind): Choice => ({
    label: kind.title,
    description: known.has(kind.name) ? vscode.l10n.t("has a key; a new one takes its place") : "",
    choose: async () => kind,
  });
  const services = Object.keys(ownServices()).map(kindOfService);
  const another: Choice = {
    label: vscode.l10n.t("$(add) Another Service with OpenAI's API…"),
    choose: async () => {
      const name = await addService();
      return name === undefined ? undefined : kindOfService(name);
    },
  };
  const separator: Choice = { label: "", kind: vscode.QuickPickItemKind.Separator, choose: async () => undefined };
  const chosen = await vscode.window.showQuickPick([...[...KEY_KINDS, ...services].map(choiceOf), separator, another], {
    title: vscode.l10n.t("Enter an API Key"),
    placeHolder: vscode.l10n.t("Whose key is it?"),
  });
  return chosen?.choose();
}

/** Undefined: they left it. An empty text, where it may be: the service wants none. */
async function enteredKey(kind: KeyKind, mayBeEmpty: boolean): Promise<string | undefined> {
  const page =
    kind.page === undefined ? "" : vscode.l10n.t("There are keys at [{0}]({1}).", new URL(kind.page).host, kind.page);
  const prompt = mayBeEmpty
    ? vscode.l10n.t("It is kept in VS Code's secret storage. Leave it empty if the service wants none.")
    : vscode.l10n.t("It is kept in VS Code's secret storage, never in settings.json. {0}", page);
  const entered = await vscode.window.showInputBox({
    title: vscode.l10n.t("API Key of {0}", kind.title),
    prompt,
    password: true,
    ignoreFocusOut: true,
    validateInput: (text) => (mayBeEmpty && text === "" ? undefined : problemOf(kind, text.trim())),
  });
  return entered?.trim();
}

function problemOf(kind: KeyKind, text: string): vscode.InputBoxValidationMessage | string | undefined {
  const words = {
    empty: vscode.l10n.t("Paste the key here."),
    blank: vscode.l10n.t("A key holds no spaces; copy it again."),
    strange: vscode.l10n.t("It holds characters that no key has; copy it again."),
  };
  const problem = notAKey(text);
  if (problem !== undefined) return words[problem];
  if (!looksForeign(kind, text)) return undefined;
  const usual = kind.beginsWith?.join(", ") ?? "";
  const message = vscode.l10n.t("Keys of {0} usually begin with {1}. Enter keeps it all the same.", kind.title, usual);
  return { message, severity: vscode.InputBoxValidationSeverity.Warning };
}

/** Azure has no address that is everybody's: ask for what is missing of it. */
async function knowsAzure(): Promise<boolean> {
  const settings = vscode.workspace.getConfiguration("aiGateway.azure");
  const title = vscode.l10n.t("Azure OpenAI");
  const wanted = [
    {
      name: "endpoint",
      prompt: vscode.l10n.t("The endpoint of your resource"),
      value: "https://",
      wrong: notAnAddress,
    },
    { name: "model", prompt: vscode.l10n.t("The name of the deployment"), value: "", wrong: () => undefined },
  ];
  for (const { name, prompt, value, wrong } of wanted) {
    if (settings.get<string>(name)) continue;
    const validateInput = (text: string) => entryProblem(text, wrong);
    const entered = await vscode.window.showInputBox({ title, prompt, value, validateInput, ignoreFocusOut: true });
    if (!entered) return false;
    await settings.update(name, entered.trim(), vscode.ConfigurationTarget.Global);
  }
  return true;
}

async function removeKey({ keys, tell }: Parts): Promise<void> {
  const kept = (await keys.names()).flatMap((name) => kindOf(name) ?? []);
  if (kept.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("VS Code keeps no key for AI Gateway."));
    return;
  }
  const chosen = await vscode.window.showQuickPick(
    kept.map((kind) => ({ label: kind.title, name: kind.name })),
    { title: vscode.l10n.t("Remove an API Key"), placeHolder: vscode.l10n.t("Whose key shall be removed?") },
  );
  if (chosen === undefined) return;
  await keys.forget(chosen.name);
  await tell();
  void vscode.window.showInformationMessage(vscode.l10n.t("The key of {0} is removed.", chosen.label));
}
