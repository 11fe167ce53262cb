/** What people set in VS Code, at which level, in the server's shape. */

import * as vscode from "vscode";
import { SECTION, type ServerSettings, serverSettingKeys, toServerSettings, valueIn } from "./settingNames";

type Inspected = NonNullable<ReturnType<vscode.WorkspaceConfiguration["inspect"]>>;
/** The whole section as it is set there; what is asked first comes first. */
type Levels = (inspected: Inspected) => readonly unknown[];

/** What this person set for all workspaces, or on this machine; no defaults. */
export function userSettings(extension: vscode.Extension<unknown>): ServerSettings {
  return settingsOf(extension, undefined, (at) => [at.globalValue]);
}

/** What a workspace, or one of its folders, sets; it may be somebody else's files, so the server takes only some of it. */
export function workspaceSettings(
  extension: vscode.Extension<unknown>,
  folder: vscode.Uri | undefined,
): ServerSettings {
  return settingsOf(extension, folder, (at) => [at.workspaceFolderValue, at.workspaceValue]);
}

/** The section is looked at once: for each of its settings, that would hold the editor up. */
function settingsOf(
  extension: vscode.Extension<unknown>,
  scope: vscode.Uri | undefined,
  levels: Levels,
): ServerSettings {
  const inspected = vscode.workspace.getConfiguration(undefined, scope).inspect(SECTION);
  const sections = inspected === undefined ? [] : levels(inspected);
  const found = (key: string) => sections.map((section) => valueIn(section, key)).find((value) => value !== undefined);
  return toServerSettings(keysOf(extension).map((key) => [key, found(key)]));
}

interface Contributed {
  readonly properties?: object;
}

function keysOf(extension: vscode.Extension<unknown>): string[] {
  const { configuration } = extension.packageJSON.contributes as { configuration: readonly Contributed[] };
  return serverSettingKeys(configuration.flatMap(({ properties }) => Object.keys(properties ?? {})));
}
