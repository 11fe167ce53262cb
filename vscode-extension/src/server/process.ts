/** One process of the server: what it says to its log, how it ended, and that it ends. */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Localizer } from "../manner";
import { type LogLevel, parseLine } from "./stderr";

/** What the launcher exits with where no other start could go better. */
const CANNOT_RUN_HERE = 78;
const READ_MS = 200;

/** What is run, with an absolute path, and where. */
export interface Launch {
  /** The server that came with the extension, or one that a person installed. */
  readonly kind: "bundled" | "installed";
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Who named the command: a setting, another extension, the PATH. */
  readonly origin: string;
}

/** How a process ended. */
export interface Ending {
  readonly words: string;
  /** Why another start would end in the same way, if it would. */
  readonly hopeless?: "noPython" | "wrongCommand" | undefined;
}

/** What a process needs of others. */
export interface Surroundings {
  readonly l10n: Localizer;
  write(level: LogLevel, text: string): void;
  /** A text without credentials. */
  hide(text: string): string;
}

export class ServerProcess {
  readonly ended: Promise<Ending>;
  #lastLine = "";

  private constructor(
    readonly child: ChildProcessWithoutNullStreams,
    private readonly launch: Launch,
    private readonly surroundings: Surroundings,
  ) {
    child.stdin.on("error", () => undefined); // it has ended; `ended` tells of that
    createInterface({ input: child.stderr }).on("line", (line) => this.#note(line));
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => resolve(this.#neverBegan(error)));
      child.once("exit", async (code, signal) => {
        await this.#allRead();
        resolve(this.#endingOf(code, signal));
      });
    });
  }

  static start(launch: Launch, surroundings: Surroundings): ServerProcess {
    const { command, args, cwd } = launch;
    const child = spawn(command, args, { cwd, stdio: "pipe", windowsHide: true });
    return new ServerProcess(child, launch, surroundings);
  }

  /** Wait for the end, and bring it about when it takes too long; gives whether it had to. */
  async end(graceMs: number): Promise<boolean> {
    let wasKilled = false;
    const killer = setTimeout(() => {
      wasKilled = this.child.kill("SIGKILL");
    }, graceMs);
    this.child.stdin.end();
    await this.ended;
    clearTimeout(killer);
    return wasKilled;
  }

  /** What it has written is read; somebody whom it started may keep the pipes open after its end. */
  async #allRead(): Promise<void> {
    const { child } = this;
    await new Promise<void>((resolve) => {
      const limit = setTimeout(resolve, READ_MS);
      child.once("close", () => resolve(clearTimeout(limit)));
    });
    for (const pipe of child.stdio) pipe?.destroy();
  }

  #note(line: string): void {
    const { level, text } = parseLine(this.surroundings.hide(line));
    if (level !== "debug" && level !== "info") this.#lastLine = text;
    this.surroundings.write(level, text);
  }

  #neverBegan(error: NodeJS.ErrnoException): Ending {
    const { l10n } = this.surroundings;
    const words = l10n.t("{0} can't be started: {1}", this.launch.command, startErrorInWords(error, l10n));
    return { words, hopeless: this.launch.kind === "installed" ? "wrongCommand" : undefined };
  }

  #endingOf(code: number | null, signal: NodeJS.Signals | null): Ending {
    const { l10n } = this.surroundings;
    const how = signal ?? l10n.t("exit code {0}", String(code));
    const words = this.#lastLine === "" ? how : `${this.#lastLine} (${how})`;
    const isRefused = code === CANNOT_RUN_HERE && this.launch.kind === "bundled";
    return { words, hopeless: isRefused ? "noPython" : undefined };
  }
}

/** What the commonest errors of the operating system mean for a program. */
function startErrorInWords({ code, message }: NodeJS.ErrnoException, l10n: Localizer): string {
  if (code === "ENOENT") return l10n.t("there is no such file");
  if (code === "EACCES") return l10n.t("it is not a program that may be run");
  return message;
}
