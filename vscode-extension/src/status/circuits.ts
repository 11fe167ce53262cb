/** The commands that act on the circuits: check, reset, keep open or closed, rehearse, explain, keep private. */

import * as vscode from "vscode";
import type { ForceParams, HealthResult, ProviderHealthResult } from "../generated/messages";
import { showPage } from "../pages";
import { type Gateway, GatewayError } from "../server/gateway";
import { drillPage } from "./drillPage";
import { type FaultName, faults } from "./faults";
import { nameOf } from "./names";
import { canBeReset, iconOf, type Standing, standingInWords, standingsOf } from "./standing";
import { mannerNow, type Watch } from "./watch";

const HOUR_SECONDS = 3600;
const DRILL_SECONDS = 30;

/** Register them. */
export function registerCircuits(gateway: Gateway, watch: Watch): vscode.Disposable {
  const circuits = new Circuits(gateway, watch);
  const commands: Record<string, (given?: unknown) => Promise<void>> = {
    health: () => circuits.check(),
    reset: (given) => circuits.reset(typeof given === "string" ? given : undefined),
    forceTier: (given) => circuits.force(typeof given === "string" ? given : undefined),
    drill: (given) => circuits.rehearse(typeof given === "string" ? given : undefined),
    explainLast: () => circuits.explainLast(),
    togglePrivate: () => circuits.togglePrivate(),
  };
  return vscode.Disposable.from(
    ...Object.entries(commands).map(([name, run]) =>
      vscode.commands.registerCommand(`aiGateway.${name}`, (given?: unknown) => told(() => run(given))),
    ),
  );
}

/** Show the decision trace of a query; of undefined, of the last one. */
export async function showTrace(gateway: Gateway, queryId?: string): Promise<void> {
  const { page } = await gateway.request("ai/explain", queryId === undefined ? {} : { query_id: queryId });
  const title =
    queryId === undefined ? vscode.l10n.t("The last answer") : vscode.l10n.t("Trace {0}", queryId.slice(0, 8));
  await showPage(title, page);
}

/** Do something; an error of the server is shown as it says it. */
export async function told(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof vscode.CancellationError) return;
    if (!(error instanceof GatewayError)) throw error;
    void vscode.window.showErrorMessage(error.message);
  }
}

class Circuits {
  constructor(
    private readonly gateway: Gateway,
    private readonly watch: Watch,
  ) {}

  async check(): Promise<void> {
    const how = {
      location: vscode.ProgressLocation.Window,
      title: vscode.l10n.t("AI Gateway: checking all providers"),
    };
    const health = await vscode.window.withProgress(how, () => this.gateway.request("ai/health", { probe: true }));
    const dashboard = vscode.l10n.t("Show the Dashboard");
    const show = health.status === "down" ? vscode.window.showWarningMessage : vscode.window.showInformationMessage;
    void show(checked(health), dashboard).then((picked) => {
      if (picked === dashboard) void vscode.commands.executeCommand("aiGateway.showDashboard");
    });
  }

  async reset(provider?: string): Promise<void> {
    const chosen = provider ?? (await this.pickHeld());
    if (chosen === undefined) return;
    const { reset } = await this.gateway.request("ai/reset", chosen === ALL ? {} : { provider: chosen });
    const words = vscode.l10n.t("AI Gateway: {0} reset", reset.map(called).join(", "));
    vscode.window.setStatusBarMessage(`$(check) ${words}`, 4000);
  }

  async force(provider?: string): Promise<void> {
    const chosen = provider ?? (await this.pickProvider(vscode.l10n.t("Which provider?")));
    if (chosen === undefined) return;
    const state = await pickForced(called(chosen));
    if (state === undefined) return;
    if (state === "auto") return this.reset(chosen);
    const seconds = await pickDuration(called(chosen));
    if (seconds !== undefined) await this.gateway.request("ai/force", { provider: chosen, state, seconds });
  }

  async rehearse(provider?: string): Promise<void> {
    const chosen = provider ?? (await this.pickProvider(vscode.l10n.t("Whose outage is rehearsed?")));
    if (chosen === undefined) return;
    const fault = await pickFault(called(chosen));
    if (fault === undefined) return;
    const how = {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t(
        "Rehearsing an outage of {0} for {1} s: ask something meanwhile",
        called(chosen),
        DRILL_SECONDS,
      ),
      cancellable: true,
    };
    const params = { provider: chosen, fault, seconds: DRILL_SECONDS };
    const drill = await vscode.window.withProgress(how, (_, token) => this.gateway.request("ai/drill", params, token));
    await showPage(vscode.l10n.t("Rehearsed outage"), drillPage(drill, mannerNow()));
  }

  explainLast(): Promise<void> {
    return showTrace(this.gateway);
  }

  async togglePrivate(): Promise<void> {
    const settings = vscode.workspace.getConfiguration("aiGateway");
    const isSetHere = settings.inspect<boolean>("privacy.private")?.globalValue === true;
    const isPrivate = this.watch.outlook.received?.summary.private ?? isSetHere;
    if (isPrivate && !isSetHere) {
      const words = vscode.l10n.t(
        "Private mode is set by this workspace or in config.toml. It can be ended only there.",
      );
      void vscode.window.showInformationMessage(words);
      return;
    }
    await settings.update("privacy.private", !isSetHere || undefined, vscode.ConfigurationTarget.Global);
  }

  private async pickHeld(): Promise<string | undefined> {
    const held = this.standings().filter(canBeReset);
    if (held.length === 0) {
      void vscode.window.showInformationMessage(vscode.l10n.t("Every circuit is closed: there is nothing to reset."));
      return undefined;
    }
    const all = { label: vscode.l10n.t("All"), iconPath: new vscode.ThemeIcon("debug-restart"), provider: ALL };
    const items = [...(held.length > 1 ? [all] : []), ...held.map(asItem)];
    const picked = await vscode.window.showQuickPick(items, {
      title: vscode.l10n.t("Reset a Circuit"),
      placeHolder: vscode.l10n.t("It is asked again with the next question"),
    });
    return picked?.provider;
  }

  private async pickProvider(placeHolder: string): Promise<string | undefined> {
    const picked = await vscode.window.showQuickPick(this.standings().filter(isSetUp).map(asItem), { placeHolder });
    return picked?.provider;
  }

  private standings(): Standing[] {
    const { received } = this.watch.outlook;
    return received === undefined ? [] : standingsOf(received);
  }
}

/** No provider has this name: theirs are not empty. */
const ALL = "";

const called = (provider: string): string => nameOf(provider, vscode.l10n);

const isSetUp = ({ kind }: Standing): boolean => !["notSetUp", "notLent", "signedOut"].includes(kind);

const asItem = (standing: Standing) => ({
  label: called(standing.provider.name),
  iconPath: new vscode.ThemeIcon(iconOf(standing.kind)),
  description: [standing.provider.model ?? "", standingInWords(standing, mannerNow())].filter(Boolean).join(" · "),
  provider: standing.provider.name,
});

function checked(health: HealthResult): string {
  const each = health.providers.filter(({ reason }) => reason !== "not_configured").map(checkedOne);
  return `AI Gateway: ${each.join(" · ") || vscode.l10n.t("no provider is set up")}`;
}

function checkedOne(provider: ProviderHealthResult): string {
  const name = called(provider.name);
  if (provider.reachable === null) return vscode.l10n.t("{0} was not checked", name);
  if (provider.reachable) return vscode.l10n.t("{0} can be reached", name);
  return vscode.l10n.t("{0} can't be reached", name);
}

async function pickForced(name: string): Promise<ForceParams["state"] | "auto" | undefined> {
  const items: { label: string; description: string; state: ForceParams["state"] | "auto" }[] = [
    { label: vscode.l10n.t("Keep {0} out", name), description: vscode.l10n.t("open: it is not asked"), state: "open" },
    {
      label: vscode.l10n.t("Keep {0} in", name),
      description: vscode.l10n.t("closed: it is always asked"),
      state: "closed",
    },
    {
      label: vscode.l10n.t("Let {0} go by itself", name),
      description: vscode.l10n.t("from a fresh start"),
      state: "auto",
    },
  ];
  return (await vscode.window.showQuickPick(items))?.state;
}

async function pickDuration(name: string): Promise<number | undefined> {
  const items = [
    { label: vscode.l10n.t("For 10 minutes"), seconds: 600 },
    { label: vscode.l10n.t("For an hour"), seconds: HOUR_SECONDS },
    { label: vscode.l10n.t("For a day"), seconds: 24 * HOUR_SECONDS },
    { label: vscode.l10n.t("For a week"), seconds: 7 * 24 * HOUR_SECONDS },
  ];
  const placeHolder = vscode.l10n.t("How long? Resetting {0} ends it before", name);
  return (await vscode.window.showQuickPick(items, { placeHolder }))?.seconds;
}

async function pickFault(name: string): Promise<FaultName | undefined> {
  const items = (Object.entries(faults(vscode.l10n)) as [FaultName, string][]).map(([fault, words]) => ({
    label: words,
    description: fault,
    fault,
  }));
  const options = {
    placeHolder: vscode.l10n.t("What happens to {0}? Nothing is sent there meanwhile", name),
    matchOnDescription: true,
  };
  return (await vscode.window.showQuickPick(items, options))?.fault;
}
