/**
 * A page for whoever looks for a fault: what the server finds out about itself, and what only the editor knows. All but
 * its title is in English, as what the server writes, for it goes into bug reports.
 */

import * as vscode from "vscode";
import type { DoctorResult } from "../generated/messages";
import { plain, rows } from "../markdown";
import { showPage } from "../pages";
import { type Gateway, GatewayError } from "./gateway";

const MIB = 1024 ** 2;

/** Show the page, whether or not the server can be asked. */
export async function showDiagnostics(gateway: Gateway, extension: vscode.Extension<unknown>): Promise<void> {
  const how = { location: vscode.ProgressLocation.Window, title: vscode.l10n.t("AI Gateway: collecting diagnostics") };
  const examined = await vscode.window.withProgress(how, () => examination(gateway));
  const facts = [...aboutEditor(extension), ...aboutServer(gateway, examined)];
  const table = rows(facts.map((row) => row.map(plain)));
  await showPage(vscode.l10n.t("Diagnostics"), `${wordsOf(examined)}\n\n## Where it runs\n\n${table}\n`);
}

/** What the server finds, or why it can't be asked. */
async function examination(gateway: Gateway): Promise<DoctorResult | string> {
  try {
    return await gateway.request("ai/doctor", {});
  } catch (error) {
    if (error instanceof GatewayError) return error.message;
    throw error;
  }
}

const wordsOf = (examined: DoctorResult | string): string =>
  typeof examined === "string" ? `# AI Gateway: the server can't be asked\n\n${plain(examined)}` : examined.page.trim();

function aboutEditor({ packageJSON }: vscode.Extension<unknown>): string[][] {
  const { appHost, appName, remoteName } = vscode.env;
  return [
    ["Editor", `${appName} ${vscode.version}, ${appHost}${remoteName === undefined ? "" : `, ${remoteName}`}`],
    ["Extension", String(packageJSON.version)],
    ["Extension host", `Node ${process.versions.node} on ${process.platform}-${process.arch}`],
    ["Workspace", vscode.workspace.isTrusted ? "trusted" : "restricted"],
  ];
}

/** Of a command that a person made themselves no argument is told: anything may stand there. */
function aboutServer({ launch, state }: Gateway, examined: DoctorResult | string): string[][] {
  const started = launch === undefined ? [] : [["Started by", `${launch.command} (${launch.origin})`]];
  if (typeof examined === "string") return [["Server", state.kind], ...started];
  const { pid, rss_bytes, simulated, uptime_seconds, version } = examined.health.process;
  return [
    ["Server", `${version}${simulated ? ", simulated" : ""}, on Python ${examined.python}`],
    ...started,
    ["Process", `${pid}, ${Math.round(rss_bytes / MIB)} MiB, running for ${Math.round(uptime_seconds)} s`],
  ];
}
