/** What people set in VS Code, at which level, in the server's shape. */

import * as vscode from "vscode";
import { type ServerSettings, serverSettingKeys, toServerSettings } from "./settingNames";

const SECTION = "aiGateway";

type Inspected = NonNullable<ReturnType<vscode.WorkspaceConfiguration["inspect"]>>;
type Level = (inspected: Inspected) => unknown;

/** What this person set for all workspaces, or on this machine; no defaults. */
export function userSettings(extension: vscode.Extension<unknown>): ServerSettings {
  return settingsOf(extension, undefined, (at) => at.globalValue);
}

/** What a workspace, or one of its folders, sets; it may be somebody else's files, so the server takes only some of it. */
export function workspaceSettings(
  extension: vscode.Extension<unknown>,
  folder: vscode.Uri | undefined,
): ServerSettings {
  return settingsOf(extension, folder, (at) => at.workspaceFolderValue ?? at.workspaceValue);
}

function settingsOf(extension: vscode.Extension<unknown>, scope: vscode.Uri | undefined, level: Level): ServerSettings {
  const configuration = vscode.workspace.getConfiguration(SECTION, scope);
  return toServerSettings(
    keysOf(extension).map((key) => {
      const inspected = configuration.inspect(key);
      return [key, inspected && level(inspected)] as const;
    }),
  );
}

interface Contributed {
  readonly properties?: object;
}

function keysOf(extension: vscode.Extension<unknown>): string[] {
  const { configuration } = extension.packageJSON.contributes as { configuration: readonly Contributed[] };
  return serverSettingKeys(configuration.flatMap(({ properties }) => Object.keys(properties ?? {})));
}
