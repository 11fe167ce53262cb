/** The server's actions as commands: it does them itself, and is told what they are about. */

import * as vscode from "vscode";
import { spotInFront, wireRange } from "../ask/codeContext";
import { isOpenAtServer } from "../ask/documents";
import type { Gateway } from "../server/gateway";
import { told } from "../status/circuits";

const ABOUT_CODE = ["fix", "document", "test", "improve", "comment"];
const DRAFTS = ["draftPullRequest", "draftCommitMessage"];

/** Register them; those that show an answer are the answer view's. */
export function registerActions(context: vscode.ExtensionContext, gateway: Gateway): void {
  const register = (name: string, argumentOf: (given: unknown) => object | string) => {
    const command = `aiGateway.${name}`;
    const run = (given?: unknown) => told(() => forward(gateway, command, argumentOf(given)));
    context.subscriptions.push(vscode.commands.registerCommand(command, run));
  };
  for (const name of ABOUT_CODE) register(name, (given) => (isAboutCode(given) ? given : selection(name === "fix")));
  for (const name of DRAFTS) register(name, folder);
}

/** A text in the place of an argument says why there is none. */
async function forward(gateway: Gateway, command: string, argument: object | string): Promise<void> {
  if (typeof argument === "string") void vscode.window.showInformationMessage(argument);
  else await gateway.execute(command, argument);
}

/** What a code action of the server was given; a menu gives the file's address instead. */
const isAboutCode = (given: unknown): given is object =>
  typeof given === "object" && given !== null && "range" in given && "uri" in given;

/** What is selected in the editor in front, and the problems there. */
function selection(withProblems: boolean): object | string {
  const spot = spotInFront();
  if (spot === undefined) return vscode.l10n.t("Open the file first that this is about.");
  const { document, range } = spot;
  if (!isOpenAtServer(document.uri)) {
    return vscode.l10n.t("This is for files only. AI Gateway: Ask and AI Gateway: Explain work here, too.");
  }
  const about = { uri: document.uri.toString(), range: wireRange(range), version: document.version };
  if (!withProblems) return about;
  const problems = vscode.languages.getDiagnostics(document.uri).filter((each) => each.range.intersection(range));
  return { ...about, diagnostics: problems.map(({ range: where, message }) => ({ range: wireRange(where), message })) };
}

/** The repository whose menu it was, or else the folder of the editor in front. */
function folder(given: unknown): object {
  const root = (given as { rootUri?: unknown } | undefined)?.rootUri;
  if (root instanceof vscode.Uri) return { folder: root.toString() };
  const uri = vscode.window.activeTextEditor?.document.uri;
  const around = uri && vscode.workspace.getWorkspaceFolder(uri);
  return around ? { folder: around.uri.toString() } : {};
}
