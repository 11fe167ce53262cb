/** Finds keys in settings.json, and moves them to where secrets are kept, if the person wants it. */

import * as vscode from "vscode";
import { SECTION, valueIn } from "../server/settingNames";
import type { KeyStore } from "./keyStore";
import { isKey, STRAY_SETTINGS, type StrayKey, strayKeysOf, takeable } from "./strayKeys";

/** Kept where the person did not want it. */
const DECLINED = "aiGateway.migrationDeclined";

interface Level {
  readonly target: vscode.ConfigurationTarget;
  /** Whether it is the person's own, and not what came with a workspace. */
  readonly isOwn: boolean;
  readonly folder: vscode.Uri | undefined;
  valueOf(inspected: NonNullable<ReturnType<vscode.WorkspaceConfiguration["inspect"]>>): unknown;
}

interface Found extends StrayKey {
  readonly level: Level;
}

/** Offer it, at each start until the person does it or wants no such question any more. */
export async function offerMigration(keys: KeyStore, memory: vscode.Memento): Promise<void> {
  if (memory.get(DECLINED)) return;
  if ((await findKeys(keys)).length === 0) return;
  const move = vscode.l10n.t("Move to Secret Storage");
  const chosen = await vscode.window.showWarningMessage(
    vscode.l10n.t("settings.json holds API keys for AI Gateway, where others may read them."),
    move,
    vscode.l10n.t("Don't Ask Again"),
  );
  if (chosen === move) await migrate(keys);
  else if (chosen !== undefined) await memory.update(DECLINED, true);
}

async function findKeys(keys: KeyStore): Promise<Found[]> {
  const found = levels().flatMap(strayKeysAt);
  return found.length === 0 ? [] : takeable(found, await keys.names());
}

/** Move what stands there now; where more than one level has a key, that of the person comes first. */
async function migrate(keys: KeyStore): Promise<void> {
  const found = await findKeys(keys);
  for (const { name, key } of found.toReversed()) await keys.keep(name, key.trim());
  for (const stray of found) await remove(stray);
  const left = found.filter(isStillThere);
  if (left.length === 0) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t("The keys are in VS Code's secret storage now, and removed from settings.json."),
    );
    return;
  }
  const open = vscode.l10n.t("Open settings.json");
  const names = [...new Set(left.map(({ setting }) => `aiGateway.${setting}`))].join(", ");
  const words = vscode.l10n.t(
    "The keys are kept now, but could not be removed from settings.json: {0}. Remove them there.",
    names,
  );
  if ((await vscode.window.showWarningMessage(words, open)) === open) {
    await vscode.commands.executeCommand("workbench.action.openSettingsJson");
  }
}

function isStillThere({ setting, name, level }: Found): boolean {
  return strayKeysAt(level).some((stray) => stray.setting === setting && stray.name === name);
}

async function remove({ setting, level }: Found): Promise<void> {
  const configuration = vscode.workspace.getConfiguration("aiGateway", level.folder);
  const services = setting === "services" ? valueIn(sectionAt(level), setting) : undefined;
  const value = isObject(services) ? strayKeysOf(services).cleaned : undefined;
  try {
    await configuration.update(setting, value, level.target);
  } catch {
    // a file that can't be written: what is left is told
  }
}

function strayKeysAt(level: Level): Found[] {
  const section = sectionAt(level);
  const plain = STRAY_SETTINGS.flatMap(({ setting, name }) => {
    const key = valueIn(section, setting);
    return isKey(key) ? [{ setting, name, key, level }] : [];
  });
  const services = valueIn(section, "services");
  const ofServices = isObject(services) ? strayKeysOf(services).keys : [];
  return [...plain, ...ofServices.map((key) => ({ ...key, level }))];
}

function sectionAt(level: Level): unknown {
  const inspected = vscode.workspace.getConfiguration(undefined, level.folder).inspect(SECTION);
  return inspected && level.valueOf(inspected);
}

/** Of a workspace that nobody trusts, nothing is taken. */
function levels(): Level[] {
  const { Global, Workspace, WorkspaceFolder } = vscode.ConfigurationTarget;
  const own: Level = { target: Global, isOwn: true, folder: undefined, valueOf: (at) => at.globalValue };
  if (!vscode.workspace.isTrusted) return [own];
  const shared: Level = { target: Workspace, isOwn: false, folder: undefined, valueOf: (at) => at.workspaceValue };
  const folders = (vscode.workspace.workspaceFolders ?? []).map(
    ({ uri }): Level => ({
      target: WorkspaceFolder,
      isOwn: false,
      folder: uri,
      valueOf: (at) => at.workspaceFolderValue,
    }),
  );
  return [own, shared, ...folders];
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
