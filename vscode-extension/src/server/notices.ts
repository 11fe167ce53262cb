/** The few things about the server that people are told by a message, each once, until they start it anew themselves. */

import * as vscode from "vscode";
import type { ServerState } from "./gateway";
import { pythonExtension } from "./pythonExtension";

const DOWNLOADS = "https://www.python.org/downloads/";

/** What the buttons of a message do, by what stands on them. */
type Buttons = Readonly<Record<string, () => unknown>>;
type Show = (words: string, ...buttons: string[]) => Thenable<string | undefined>;

export class Notices {
  readonly #told = new Set<string>();

  constructor(
    private readonly log: vscode.LogOutputChannel,
    private readonly restart: () => Promise<void>,
  ) {}

  /** Tell of a state that needs somebody to do something. */
  about(state: ServerState): void {
    if (state.kind === "noPython") this.#noPython(state.reason);
    else if (state.kind === "wrongCommand") this.#wrongCommand(state.reason);
    else if (state.kind === "crashed") this.#crashed(state.reason);
  }

  /** Things may be told again. */
  forget(): void {
    this.#told.clear();
  }

  /** Only a server that was installed apart from the extension can be another version. */
  compareVersions(theirs: string, extension: vscode.Extension<unknown>): void {
    const ours = String(extension.packageJSON.version);
    if (theirs === ours) return;
    const words = vscode.l10n.t(
      "The ai-gateway of your settings is version {0}, the extension is {1}. Some things may not work.",
      theirs,
      ours,
    );
    this.log.warn(words);
    this.#tell("version", vscode.window.showWarningMessage, words, openSettings("aiGateway.server.command"));
  }

  #noPython(reason: string): void {
    const words = vscode.l10n.t("AI Gateway needs Python 3.11 or newer. {0}", reason);
    this.#tell("noPython", vscode.window.showWarningMessage, words, {
      [vscode.l10n.t("Install Python")]: installPython,
      [vscode.l10n.t("Select Interpreter")]: selectInterpreter,
      ...this.#showLog(),
    });
  }

  #wrongCommand(reason: string): void {
    const words = vscode.l10n.t("The setting aiGateway.server.command can't be run. {0}", reason);
    this.#tell("wrongCommand", vscode.window.showWarningMessage, words, {
      ...openSettings("aiGateway.server.command"),
      ...this.#showLog(),
    });
  }

  #crashed(reason: string): void {
    const words = vscode.l10n.t(
      "The AI Gateway server ended again and again, and is not started any more: {0}",
      reason,
    );
    this.#tell("crashed", vscode.window.showErrorMessage, words, {
      [vscode.l10n.t("Restart")]: this.restart,
      ...this.#showLog(),
    });
  }

  #showLog(): Buttons {
    return { [vscode.l10n.t("Show Log")]: () => this.log.show() };
  }

  #tell(what: string, show: Show, words: string, buttons: Buttons): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    void show(words, ...Object.keys(buttons)).then((chosen) => chosen && buttons[chosen]?.());
  }
}

function openSettings(name: string): Buttons {
  return { [vscode.l10n.t("Open Settings")]: () => openSetting(name) };
}

async function installPython(): Promise<void> {
  await vscode.env.openExternal(vscode.Uri.parse(DOWNLOADS));
}

async function selectInterpreter(): Promise<void> {
  if (pythonExtension() && vscode.workspace.isTrusted) await vscode.commands.executeCommand("python.setInterpreter");
  else await openSetting("aiGateway.server.python");
}

/** A machine's settings are those of the machine that the extension runs on. */
async function openSetting(name: string): Promise<void> {
  const where = vscode.env.remoteName === undefined ? "openSettings" : "openRemoteSettings";
  await vscode.commands.executeCommand(`workbench.action.${where}`, { query: name });
}
