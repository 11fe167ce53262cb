/** One process of the server: what it says to its log, how it ended, and that it ends. */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { type LogLevel, parseLine } from "./stderr";

/** What is run, with an absolute path, and where. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

/** How a process ended. `code` is null, if a signal ended it or it never began. */
export interface Ending {
  readonly code: number | null;
  readonly words: string;
}

export type WriteLine = (level: LogLevel, text: string) => void;

export class ServerProcess {
  readonly ended: Promise<Ending>;
  #lastLine = "";

  private constructor(
    readonly child: ChildProcessWithoutNullStreams,
    write: WriteLine,
  ) {
    child.stdin.on("error", () => undefined); // it has ended; `ended` tells of that
    createInterface({ input: child.stderr }).on("line", (line) => {
      const { level, text } = parseLine(line);
      if (level !== "debug" && level !== "info") this.#lastLine = text;
      write(level, text);
    });
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => resolve({ code: null, words: error.message }));
      child.once("close", (code, signal) => resolve({ code, words: this.#wordsFor(code, signal) }));
    });
  }

  static start({ command, args, cwd }: Launch, write: WriteLine): ServerProcess {
    return new ServerProcess(spawn(command, args, { cwd, stdio: "pipe", windowsHide: true }), write);
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

  #wordsFor(code: number | null, signal: NodeJS.Signals | null): string {
    const how = signal === null ? `exit code ${code}` : signal;
    return this.#lastLine === "" ? how : `${this.#lastLine} (${how})`;
  }
}
