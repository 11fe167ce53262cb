/** The commands that sign in to GitHub Copilot, and out of it. */

import * as vscode from "vscode";
import { type Gateway, GatewayError } from "../server/gateway";
import { checkAndTell } from "./check";
import { signInByCode } from "./deviceFlow";
import { type GitHubSession, wordsOf } from "./github";

type Road = "session" | "code";

export function registerSignIn(gateway: Gateway, session: GitHubSession): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.commands.registerCommand("aiGateway.signIn", (road?: unknown) => signIn(gateway, session, road)),
    vscode.commands.registerCommand("aiGateway.signOut", () => signOut(gateway, session)),
  );
}

async function signIn(gateway: Gateway, session: GitHubSession, wanted: unknown): Promise<void> {
  if (gateway.state.kind === "running" && gateway.state.simulated) return tellOfSimulation();
  const road = wanted === "session" || wanted === "code" ? wanted : await chosenRoad(gateway);
  if (road === undefined) return;
  try {
    await (road === "code" ? signInByCode(gateway) : signInBySession(gateway, session));
  } catch (error) {
    if (isRefusal(error)) return;
    void vscode.window.showErrorMessage(vscode.l10n.t("You are not signed in to GitHub Copilot: {0}", wordsOf(error)));
  }
}

async function signInBySession(gateway: Gateway, session: GitHubSession): Promise<void> {
  const account = await session.lend();
  await checkAndTell(gateway, "copilot", "GitHub Copilot", vscode.l10n.t("Signed in to GitHub as {0}.", account));
}

async function chosenRoad(gateway: Gateway): Promise<Road | undefined> {
  const used = gateway.status?.providers.find(({ name }) => name === "copilot")?.credential;
  const roads: (vscode.QuickPickItem & { road: Road })[] = [
    {
      label: vscode.l10n.t("$(github) Use the GitHub account of VS Code"),
      detail: vscode.l10n.t("VS Code asks you once whether it may. The session stays in memory."),
      road: "session",
    },
    {
      label: vscode.l10n.t("$(key) Enter a code on GitHub's page"),
      detail: vscode.l10n.t(
        "For any browser. The token is kept on the machine of the server, for you alone, until you sign out.",
      ),
      road: "code",
    },
  ];
  const placeHolder = used
    ? vscode.l10n.t("Signed in already: {0}", used)
    : vscode.l10n.t("How would you like to sign in?");
  const title = vscode.l10n.t("Sign In to GitHub Copilot");
  return (await vscode.window.showQuickPick(roads, { title, placeHolder }))?.road;
}

async function signOut(gateway: Gateway, session: GitHubSession): Promise<void> {
  try {
    await session.takeBack();
    const { remaining } = await gateway.request("ai/signOut", { provider: "copilot" });
    const words = vscode.l10n.t("AI Gateway has no token of GitHub Copilot any more. VS Code itself stays signed in.");
    void vscode.window.showInformationMessage([words, ...remaining].join(" "));
  } catch (error) {
    void vscode.window.showErrorMessage(vscode.l10n.t("You are not signed out: {0}", wordsOf(error)));
  }
}

async function tellOfSimulation(): Promise<void> {
  const end = vscode.l10n.t("End the Simulation");
  const words = vscode.l10n.t("The simulation needs no sign-in, and uses none.");
  if ((await vscode.window.showInformationMessage(words, end)) === end) {
    await vscode.commands.executeCommand("aiGateway.endSimulation");
  }
}

/** The person has said no to VS Code, or closed its question: they know. */
function isRefusal(error: unknown): boolean {
  if (error instanceof GatewayError) return false;
  return error instanceof vscode.CancellationError || /did not consent|cancel/i.test(wordsOf(error));
}
