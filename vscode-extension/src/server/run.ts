/** One run of the server: its process and the connection to it, from the first word to the last. */

import * as vscode from "vscode";
import type { HealthSummary } from "../generated/messages";
import { STATUS } from "../protocol";
import { Client } from "./client";
import type { ServerRequestHandler } from "./gateway";
import { type Running, StartFailed } from "./lifecycle";
import { type Ending, type Launch, ServerProcess } from "./process";
import type { ServerSettings } from "./settingNames";
import { isStatus } from "./statusForm";
import type { Trace } from "./trace";

const HANDSHAKE_MS = 60_000;
const END_MS = 300;

/** What a run needs to know beside what is run. */
export interface RunParts {
  readonly extension: vscode.Extension<unknown>;
  readonly log: vscode.LogOutputChannel;
  readonly trace: Trace;
  readonly settings: ServerSettings;
  readonly handlers: ReadonlyMap<string, ServerRequestHandler>;
  onStatus(status: HealthSummary): void;
}

export class Run implements Running {
  private constructor(
    private readonly process: ServerProcess,
    readonly client: Client,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  /** Start it. Throws `StartFailed`. */
  static async begin(launch: Launch, parts: RunParts): Promise<Run> {
    const { log, trace } = parts;
    const hide = (text: string) => trace.redactor.hide(text);
    const process = ServerProcess.start(launch, { l10n: vscode.l10n, write: (level, text) => log[level](text), hide });
    log.info(`process ${process.child.pid}: ${[launch.command, ...launch.args].join(" ")}`);
    try {
      return new Run(process, await connected(process, parts), log);
    } catch (error) {
      const wasKilled = await process.end(END_MS);
      throw new StartFailed(wasKilled ? { words: hide(wordsOf(error)) } : await process.ended);
    }
  }

  get version(): string {
    return this.client.version;
  }

  get ended(): Promise<Ending> {
    return this.process.ended;
  }

  async end(): Promise<void> {
    try {
      await this.client.stop();
    } catch (error) {
      this.log.warn("the server did not say farewell", String(error));
    }
    await this.process.end(END_MS);
  }
}

async function connected(process: ServerProcess, parts: RunParts): Promise<Client> {
  const client = new Client(process.child, parts);
  for (const [method, handler] of parts.handlers) client.answer(method, handler);
  client.onNotification(STATUS, (said: unknown) => {
    if (isStatus(said)) parts.onStatus(said);
    else parts.log.warn("the server tells its status in a form that is not known here");
  });
  await within(HANDSHAKE_MS, client.start());
  return client;
}

async function within(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    const words = vscode.l10n.t("no answer came within {0} s", limitMs / 1000);
    timer = setTimeout(() => reject(new Error(words)), limitMs);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
