import * as vscode from "vscode";
import { registerActions } from "./actions/register";
import { registerAnswers } from "./ask/register";
import { KeyStore } from "./credentials/keyStore";
import { registerCredentials } from "./credentials/register";
import { personalSettings } from "./credentials/settings";
import { registerDashboard } from "./dashboard/view";
import { registerFirstRun } from "./firstRun/register";
import { registerLentModels } from "./models/lend";
import { registerOfferedModels } from "./models/offer";
import { registerParticipant } from "./models/participant";
import { registerPages } from "./pages";
import type { Gateway } from "./server/gateway";
import { createGateway } from "./server/processGateway";
import { registerServer } from "./server/register";
import { registerStatusBar } from "./status/register";

let running: Gateway | undefined;

/** Put the parts together; what each does stands in its own file. */
export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("AI Gateway", { log: true });
  const keys = new KeyStore(context.secrets);
  const settings = () => personalSettings(context.extension, keys);
  const gateway = createGateway({ context, log, settings });
  running = gateway;
  context.subscriptions.push(log);

  registerCredentials(context, gateway, { log, keys, settings });
  registerServer(context, gateway, log);
  registerPages(context);
  const watch = registerStatusBar(context, gateway);
  registerDashboard(context, gateway, watch);
  registerActions(context, gateway);
  const answers = registerAnswers(context, gateway);
  registerFirstRun(context, gateway, answers);
  registerLentModels(context, gateway);
  registerOfferedModels(context, gateway);
  registerParticipant(context, gateway);
}

/** VS Code waits for this one, while it does not for what is disposed of. */
export async function deactivate(): Promise<void> {
  await running?.stop();
}
