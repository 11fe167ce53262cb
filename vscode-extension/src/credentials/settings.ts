/** What the server is told when it starts and at every change: what this person set in VS Code, and their keys. */

import * as vscode from "vscode";
import { userSettings } from "../server/configuration";
import type { Gateway } from "../server/gateway";
import type { ServerSettings } from "../server/settingNames";
import { withKeys } from "./keyNames";
import type { KeyStore } from "./keyStore";
import { withProxy } from "./proxy";

const CHANGED = "ai/settings";

/** Settings of this person and this machine, with keys: of what a workspace says, nothing. */
export async function personalSettings(extension: vscode.Extension<unknown>, keys: KeyStore): Promise<ServerSettings> {
  const kept = await keys.all().catch(() => []); // where nothing keeps secrets, VS Code itself says so
  return withKeys(withProxy(userSettings(extension), editorsProxy()), kept);
}

/** Tell the running server of each change, of other windows as well. */
export function followSettings(
  gateway: Gateway,
  keys: KeyStore,
  read: () => Promise<ServerSettings>,
): vscode.Disposable {
  const tell = () => tellSettings(gateway, read);
  return vscode.Disposable.from(
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("aiGateway") || change.affectsConfiguration("http")) void tell();
    }),
    keys.onDidChange(() => void tell()),
  );
}

/** Tell the server what holds now; one that is being started is told as soon as it runs, another one when it starts. */
export async function tellSettings(gateway: Gateway, read: () => Promise<ServerSettings>): Promise<void> {
  await settled(gateway);
  const settings = await read();
  const { state } = gateway;
  if (state.kind === "running" && !state.simulated) await gateway.notify(CHANGED, settings);
}

function settled(gateway: Gateway): Promise<void> {
  return new Promise((resolve) => {
    if (gateway.state.kind !== "starting") return resolve();
    const listening = gateway.onDidChangeState(({ kind }) => {
      if (kind === "starting") return;
      listening.dispose();
      resolve();
    });
  });
}

function editorsProxy() {
  const http = vscode.workspace.getConfiguration("http");
  const usual = { proxySupport: http.get<string>("proxySupport") };
  return {
    ...usual,
    proxy: http.inspect<string>("proxy")?.globalValue,
    noProxy: http.inspect<string[]>("noProxy")?.globalValue,
  };
}
