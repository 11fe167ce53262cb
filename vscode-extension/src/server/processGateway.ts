/** The gateway as a process of its own: started when needed, started again when it crashes, never twice at a time. */

import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import type { HealthSummary, QueryParams, QueryResult } from "../generated/messages";
import type { ParamsOf, RequestMethod, ResultOf } from "../protocol";
import type { Client } from "./client";
import { type Gateway, GatewayError, type QueryEvents, type ServerRequestHandler, type ServerState } from "./gateway";
import { findLaunch } from "./launch";
import { LaunchChanges } from "./launchChanges";
import { type Found, Lifecycle } from "./lifecycle";
import { LogTrace } from "./logTrace";
import { Notices } from "./notices";
import type { Launch } from "./process";
import { type QueryProgress, tellQuery } from "./queryProgress";
import type { Run } from "./run";
import type { ServerSettings } from "./settingNames";

/** The code of a `GatewayError` of a server that can't be started. */
const NOT_RUNNING = -32098;

export interface GatewayParts {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  /** What the server is to be set to, as `initializationOptions` have it. */
  settings(): Promise<ServerSettings>;
}

/** Make the gateway; its process is not started yet. */
export function createGateway(parts: GatewayParts): Gateway {
  return new ProcessGateway(parts);
}

class ProcessGateway implements Gateway {
  readonly #stateChanged = new vscode.EventEmitter<ServerState>();
  readonly #statusChanged = new vscode.EventEmitter<HealthSummary | undefined>();
  readonly #handlers = new Map<string, ServerRequestHandler>();
  readonly #trace: LogTrace;
  readonly #notices: Notices;
  readonly #lifecycle: Lifecycle<Run>;
  #status: HealthSummary | undefined;
  #changes: LaunchChanges | undefined;

  readonly onDidChangeState = this.#stateChanged.event;
  readonly onDidChangeStatus = this.#statusChanged.event;

  constructor(private readonly parts: GatewayParts) {
    this.#trace = new LogTrace(parts.log);
    this.#notices = new Notices(parts.log, () => this.restart());
    this.#lifecycle = new Lifecycle<Run>({
      find: () => this.#find(),
      begin: (launch, isSimulated, isCurrent) => this.#begin(launch, isSimulated, isCurrent),
      entered: (state) => this.#entered(state),
      failed: (words) => parts.log.error(`the server ended, or could not be started: ${words}`),
      now: Date.now,
      after: callBack,
    });
  }

  get state(): ServerState {
    return this.#lifecycle.state;
  }

  get launch(): Launch | undefined {
    return this.#lifecycle.launch;
  }

  get status(): HealthSummary | undefined {
    return this.#status;
  }

  start(): Promise<void> {
    return this.#lifecycle.start();
  }

  stop(): Promise<void> {
    return this.#lifecycle.stop();
  }

  restart(how: { simulated?: boolean } = {}): Promise<void> {
    this.#notices.forget();
    return this.#lifecycle.restart(how);
  }

  async request<M extends RequestMethod>(
    method: M,
    params: ParamsOf<M>,
    token?: vscode.CancellationToken,
  ): Promise<ResultOf<M>> {
    this.#trace.redactor.learn(params);
    const client = await this.#running();
    return (await client.ask(method, params as object, token)) as ResultOf<M>;
  }

  async query(params: QueryParams, events: QueryEvents, token?: vscode.CancellationToken): Promise<QueryResult> {
    const client = await this.#running();
    const partialResultToken = randomUUID();
    const listening = client.listen(partialResultToken, (value) => tellQuery(value as QueryProgress, events));
    try {
      return (await client.ask("ai/query", { ...params, partialResultToken }, token)) as QueryResult;
    } finally {
      listening.dispose();
    }
  }

  async execute(command: string, argument?: object): Promise<unknown> {
    const client = await this.#running();
    return client.ask("workspace/executeCommand", { command, arguments: argument === undefined ? [] : [argument] });
  }

  async notify(method: string, params: object): Promise<void> {
    this.#trace.redactor.learn(params);
    await this.#lifecycle.run?.client.sendNotification(method, params).catch(() => undefined); // it has just ended
  }

  handle(method: string, handler: ServerRequestHandler): vscode.Disposable {
    this.#handlers.set(method, handler);
    const current = this.#lifecycle.run?.client.answer(method, handler);
    return new vscode.Disposable(() => {
      this.#handlers.delete(method);
      current?.dispose();
    });
  }

  dispose(): void {
    this.#changes?.dispose();
    this.#trace.dispose();
    void this.#lifecycle.finish().then(() => {
      this.#stateChanged.dispose();
      this.#statusChanged.dispose();
    });
  }

  /** The connection, as soon as there is one. */
  async #running(): Promise<Client> {
    const { kind } = this.state;
    if (kind === "stopped" || kind === "noPython" || kind === "wrongCommand") await this.start();
    await this.#settled();
    const { run } = this.#lifecycle;
    if (run === undefined) throw new GatewayError(wordsFor(this.state), NOT_RUNNING, undefined);
    return run.client;
  }

  /** When it is not about to be started any more, be it at once or after a wait. */
  #settled(): Promise<void> {
    if (this.state.kind !== "starting") return Promise.resolve();
    return new Promise((resolve) => {
      const listening = this.onDidChangeState(({ kind }) => {
        if (kind === "starting") return;
        listening.dispose();
        resolve();
      });
    });
  }

  async #find(): Promise<Found> {
    this.#changes ??= new LaunchChanges(() => void this.#lifecycle.runOther());
    const found = await findLaunch(this.parts.context, this.parts.log);
    this.#changes.followPythonExtension();
    return found;
  }

  async #begin(launch: Launch, isSimulated: boolean, isCurrent: () => boolean): Promise<Run> {
    const { context, log } = this.parts;
    const { extension } = context;
    const settings = await this.parts.settings();
    this.#trace.redactor.learn(settings);
    const onStatus = (status: HealthSummary) => {
      if (isCurrent()) this.#setStatus(status);
    };
    const args = [...launch.args, "--stdio", ...(isSimulated ? ["--simulated"] : [])];
    const parts = { extension, log, trace: this.#trace, settings, handlers: this.#handlers, onStatus };
    const { Run } = await import("./run.js");
    const run = await Run.begin({ ...launch, args }, parts);
    if (launch.kind === "installed") this.#notices.compareVersions(run.version, extension);
    return run;
  }

  #entered(state: ServerState): void {
    if (state.kind !== "running") this.#setStatus(undefined);
    this.#stateChanged.fire(state);
    this.#notices.about(state);
  }

  #setStatus(status: HealthSummary | undefined): void {
    if (status === undefined && this.#status === undefined) return;
    this.#status = status;
    this.#statusChanged.fire(status);
  }
}

function callBack(milliseconds: number, work: () => void): () => void {
  const timer = setTimeout(work, milliseconds);
  return () => clearTimeout(timer);
}

function wordsFor(state: ServerState): string {
  switch (state.kind) {
    case "wrongCommand":
      return vscode.l10n.t("The setting aiGateway.server.command can't be run. {0}", state.reason);
    case "noPython":
      return vscode.l10n.t("AI Gateway needs Python 3.11 or newer. {0}", state.reason);
    case "crashed":
      return vscode.l10n.t(
        'The AI Gateway server does not run: {0}. Run "AI Gateway: Restart the Server".',
        state.reason,
      );
    default:
      return vscode.l10n.t("The AI Gateway server does not run.");
  }
}
