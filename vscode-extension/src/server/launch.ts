/** What starts the server: the command that a person set, or a Python that runs the bundled one. */

import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import * as vscode from "vscode";
import type { Found } from "./lifecycle";
import { findPython, type Launcher } from "./python";

export async function findLaunch(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Promise<Found> {
  const [command, ...args] = vscode.workspace.getConfiguration("aiGateway").get<string[]>("server.command") ?? [];
  if (command === undefined) return findBundled(context, log);
  const origin = "aiGateway.server.command";
  if (isAbsolute(command)) return { launch: { kind: "installed", command, args, cwd: homedir(), origin } };
  return { kind: "wrongCommand", reason: vscode.l10n.t("{0} is not an absolute path.", command) };
}

async function findBundled(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Promise<Found> {
  const launcher = launcherOf(context);
  const found = await findPython(launcher, log);
  if ("reason" in found) return { kind: "noPython", reason: found.reason };
  return { launch: { kind: "bundled", command: found.path, args: launcher, cwd: homedir(), origin: found.origin } };
}

/** Python keeps what it compiled in the extension's storage: the folder of an extension is not for writing. */
function launcherOf(context: vscode.ExtensionContext): Launcher {
  const cache = vscode.Uri.joinPath(cachesOf(context), context.extension.packageJSON.version);
  return ["-I", "-S", "-X", `pycache_prefix=${cache.fsPath}`, context.asAbsolutePath(join("bundled", "launch.py"))];
}

function cachesOf(context: vscode.ExtensionContext): vscode.Uri {
  return vscode.Uri.joinPath(context.globalStorageUri, "pycache");
}

/** Remove what was compiled for other versions of the extension. */
export async function removeOldCaches(context: vscode.ExtensionContext): Promise<void> {
  const caches = cachesOf(context);
  try {
    for (const [version] of await vscode.workspace.fs.readDirectory(caches)) {
      if (version === context.extension.packageJSON.version) continue;
      await vscode.workspace.fs.delete(vscode.Uri.joinPath(caches, version), { recursive: true });
    }
  } catch {
    // there is none yet, or another window is at it
  }
}
