/** One run of the server: its process and the connection to it, from the first word to the last. */

import type * as vscode from "vscode";
import type { HealthSummary } from "../generated/messages";
import { STATUS } from "../protocol";
import type { Client } from "./client";
import type { ServerRequestHandler } from "./gateway";
import { type Ending, type Launch, ServerProcess } from "./process";
import type { ServerSettings } from "./settingNames";
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

/** The process ended, or had to be ended, before it answered. */
export class StartFailed extends Error {
  constructor(readonly ending: Ending) {
    super(ending.words);
  }
}

export class Run {
  private constructor(
    private readonly process: ServerProcess,
    readonly client: Client,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  /** Start it. Throws `StartFailed`. */
  static async begin(launch: Launch, parts: RunParts): Promise<Run> {
    const { log, trace } = parts;
    const process = ServerProcess.start(launch, (level, text) => log[level](trace.redactor.hide(text)));
    log.info(`process ${process.child.pid}: ${[launch.command, ...launch.args].join(" ")}`);
    try {
      return new Run(process, await connected(process, parts), log);
    } catch (error) {
      const wasKilled = await process.end(END_MS);
      throw new StartFailed(wasKilled ? { code: null, words: String(error) } : await process.ended);
    }
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
  const { Client } = await import("./client.js");
  const client = new Client(process.child, parts);
  for (const [method, handler] of parts.handlers) client.answer(method, handler);
  client.onNotification(STATUS, (status: HealthSummary) => parts.onStatus(status));
  await within(HANDSHAKE_MS, client.start());
  return client;
}

async function within(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came within ${limitMs / 1000} s`)), limitMs);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
