/** `ai-gateway` in VS Code's terminals, where no other is installed: what the server's hints name can be typed there. */

import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import * as vscode from "vscode";
import type { Gateway } from "./gateway";
import type { Launch } from "./process";
import { shimFor } from "./shim";

const SETTING = "aiGateway.terminal.enabled";

/** Makes the command known to terminals that are opened from now on, as soon as the server runs, while the setting is on. */
export function offerInTerminals(
  context: vscode.ExtensionContext,
  gateway: Gateway,
  log: vscode.LogOutputChannel,
): vscode.Disposable {
  const folder = vscode.Uri.joinPath(context.globalStorageUri, "bin").fsPath;
  const terminals = context.environmentVariableCollection;
  terminals.description = vscode.l10n.t("Makes the command {0} known", "`ai-gateway`");

  async function follow(): Promise<void> {
    if (!vscode.workspace.getConfiguration().get<boolean>(SETTING)) return terminals.clear();
    const { launch, state } = gateway;
    if (launch === undefined || state.kind !== "running") return;
    try {
      await putShim(folder, launch);
      terminals.append("PATH", `${delimiter}${folder}`); // at the end: one that a person installed comes first
    } catch (error) {
      log.warn(`there will be no ai-gateway in terminals: ${String(error)}`);
    }
  }

  return vscode.Disposable.from(
    gateway.onDidChangeState(follow),
    vscode.workspace.onDidChangeConfiguration((change) => change.affectsConfiguration(SETTING) && follow()),
  );
}

async function putShim(folder: string, launch: Launch): Promise<void> {
  const { name, text } = shimFor(launch, process.platform, homedir());
  const path = join(folder, name);
  if ((await readFile(path, "utf8").catch(() => "")) === text) return;
  await mkdir(folder, { recursive: true });
  const written = `${path}.${process.pid}`; // a terminal may be running the one that is there
  await writeFile(written, text);
  await chmod(written, 0o755);
  await rename(written, path);
}
