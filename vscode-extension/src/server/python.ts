/** Finds the Python that runs the server; see `choosePython` for who is taken. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import type { PythonExtension } from "@vscode/python-extension";
import * as vscode from "vscode";
import {
  type Candidate,
  choosePython,
  pythonsOnPath,
  readVerdict,
  type Verdict,
  wordsForRefused,
} from "./pythonChoice";
import { activeInterpreter, pythonExtension } from "./pythonExtension";

const CHECK_MS = 10_000;
const SETTING = "server.python";

/** Where it is, or why there is none. */
export type FoundPython = { readonly path: string; readonly origin: string } | { readonly reason: string };

/** What can be asked with `--check`: the launcher, and Python's options before it. */
export type Launcher = readonly string[];

export async function findPython(launcher: Launcher, log: vscode.LogOutputChannel): Promise<FoundPython> {
  const { python, refused } = await choosePython(candidates(), (candidate) => check(candidate, launcher));
  for (const { candidate, reason } of refused) log.warn(`${candidate.path} (${candidate.origin}): ${reason}`);
  if (python === undefined) {
    return { reason: wordsForRefused(refused) || vscode.l10n.t("There is none on the PATH.") };
  }
  log.info(`Python ${python.version} (${python.origin}): ${python.executable}`);
  return { path: python.executable, origin: python.origin };
}

/**
 * What somebody wrote into the setting comes first: it is there to be followed, also where the Python extension has
 * chosen another one for the code of this workspace. That extension takes seconds to start, so where it does not run,
 * as in a window without Python code, it is asked only if nothing else will do.
 */
async function* candidates(): AsyncGenerator<Candidate> {
  const chosen = vscode.workspace.getConfiguration("aiGateway").get<string>(SETTING);
  if (chosen) yield { path: chosen, args: [], origin: `aiGateway.${SETTING}` };
  const extension = pythonExtension();
  if (extension?.isActive) yield* chosenBy(extension);
  const { PATH = "" } = process.env;
  yield* pythonsOnPath({
    path: PATH,
    isWindows: process.platform === "win32",
    untrusted: (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath),
    exists: existsSync,
  });
  if (extension) yield* chosenBy(extension);
}

async function* chosenBy(extension: vscode.Extension<PythonExtension>): AsyncGenerator<Candidate> {
  const path = await activeInterpreter(extension);
  if (path) yield { path, args: [], origin: extension.id };
}

function check({ path, args }: Candidate, launcher: Launcher): Promise<Verdict> {
  const options = { cwd: homedir(), timeout: CHECK_MS, windowsHide: true };
  return new Promise((resolve) => {
    execFile(path, [...args, ...launcher, "--check"], options, (error, stdout, stderr) => {
      resolve(readVerdict(stdout, stderr || (error?.message ?? ""), vscode.l10n));
    });
  });
}
