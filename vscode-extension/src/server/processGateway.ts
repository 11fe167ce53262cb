/** The gateway as a process of its own: started when needed, started again when it crashes, never twice at a time. */

import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import type { HealthSummary, QueryParams, QueryResult } from "../generated/messages";
import type { ParamsOf, RequestMethod, ResultOf } from "../protocol";
import type { Client } from "./client";
import { type Gateway, GatewayError, type QueryEvents, type ServerRequestHandler, type ServerState } from "./gateway";
import { type Found, findLaunch } from "./launch";
import { onLaunchMayChange } from "./launchChanges";
import { Notices } from "./notices";
import type { Ending, Launch } from "./process";
import { type QueryProgress, tellQuery } from "./queryProgress";
import { Redactor } from "./redact";
import { Restarts } from "./restarts";
import { Run, type RunParts, StartFailed } from "./run";
import type { ServerSettings } from "./settingNames";
import type { Trace, TraceLevel } from "./trace";

/** The code of a `GatewayError` of a server that can't be started. */
export const NOT_RUNNING = -32098;
/** What the launcher exits with where no other start could go better. */
const CANNOT_RUN_HERE = 78;

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
  readonly #restarts = new Restarts(Date.now);
  readonly #trace: Trace;
  readonly #notices: Notices;
  readonly #following: vscode.Disposable;
  #state: ServerState = { kind: "stopped" };
  #status: HealthSummary | undefined;
  #run: Run | undefined;
  #launch: Launch | undefined;
  #turn: Promise<void> = Promise.resolve();
  #nextStart: NodeJS.Timeout | undefined;
  #isSimulated = false;
  #isDisposed = false;

  readonly onDidChangeState = this.#stateChanged.event;
  readonly onDidChangeStatus = this.#statusChanged.event;

  constructor(private readonly parts: GatewayParts) {
    this.#trace = traceInto(parts.log);
    this.#notices = new Notices(parts.log, () => this.restart());
    this.#following = onLaunchMayChange(() => void this.#runOther());
  }

  get state(): ServerState {
    return this.#state;
  }

  get status(): HealthSummary | undefined {
    return this.#status;
  }

  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#run === undefined && this.#state.kind !== "crashed") await this.#begin();
    });
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#end();
      this.#enter({ kind: "stopped" });
    });
  }

  restart(how: { simulated?: boolean } = {}): Promise<void> {
    return this.#inTurn(async () => {
      this.#isSimulated = how.simulated ?? this.#isSimulated;
      this.#notices.forget();
      await this.#beginAnew();
    });
  }

  async request<M extends RequestMethod>(
    method: M,
    params: ParamsOf<M>,
    token?: vscode.CancellationToken,
  ): Promise<ResultOf<M>> {
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
    await this.#run?.client.sendNotification(method, params).catch(() => undefined); // it has just ended
  }

  handle(method: string, handler: ServerRequestHandler): vscode.Disposable {
    this.#handlers.set(method, handler);
    const current = this.#run?.client.answer(method, handler);
    return new vscode.Disposable(() => {
      this.#handlers.delete(method);
      current?.dispose();
    });
  }

  dispose(): void {
    void this.stop();
    this.#isDisposed = true;
    this.#following.dispose();
    this.#stateChanged.dispose();
    this.#statusChanged.dispose();
  }

  /** Starts and stops happen one after the other, and each makes a start that was waited for needless. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    clearTimeout(this.#nextStart);
    this.#turn = this.#turn.then(work).catch((error: unknown) => {
      this.parts.log.error("the server could not be started or stopped", String(error));
      if (this.#state.kind === "starting") this.#recover({ code: null, words: String(error) });
    });
    return this.#turn;
  }

  /** The connection, as soon as there is one. */
  async #running(): Promise<Client> {
    if (this.#state.kind === "stopped" || this.#state.kind === "noPython") await this.start();
    await this.#settled();
    if (this.#run === undefined) throw new GatewayError(wordsFor(this.#state), NOT_RUNNING, undefined);
    return this.#run.client;
  }

  /** When it is not about to be started any more, be it at once or after a wait. */
  #settled(): Promise<void> {
    if (this.#state.kind !== "starting") return Promise.resolve();
    return new Promise((resolve) => {
      const listening = this.onDidChangeState(({ kind }) => {
        if (kind === "starting") return;
        listening.dispose();
        resolve();
      });
    });
  }

  /** Begin again, if what is to be run is no longer what runs. */
  #runOther(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state.kind === "stopped") return;
      const found = await findLaunch(this.parts.context, this.parts.log);
      const wanted = found.kind === "nothing" ? undefined : found.launch;
      if (JSON.stringify(wanted) !== JSON.stringify(this.#launch)) await this.#beginAnew();
    });
  }

  async #beginAnew(): Promise<void> {
    this.#restarts.forget();
    await this.#end();
    await this.#begin();
  }

  async #begin(): Promise<void> {
    if (this.#isDisposed) return;
    this.#enter({ kind: "starting" });
    const found = await findLaunch(this.parts.context, this.parts.log);
    this.#launch = found.kind === "nothing" ? undefined : found.launch;
    if (found.kind === "nothing") this.#lackPython(found.reason);
    else await this.#beginRun(found);
  }

  async #beginRun({ kind, launch }: Found & { launch: Launch }): Promise<void> {
    const args = [...launch.args, "--stdio", ...(this.#isSimulated ? ["--simulated"] : [])];
    try {
      const run = await Run.begin({ ...launch, args }, await this.#runParts());
      this.#run = run;
      void run.ended.then((ending) => this.#run === run && this.#recover(ending));
      const { version } = run.client;
      this.#enter({ kind: "running", version, simulated: this.#isSimulated });
      if (kind === "installed") this.#notices.compareVersions(version, this.parts.context.extension);
    } catch (error) {
      if (!(error instanceof StartFailed)) throw error;
      this.#recover(error.ending);
    }
  }

  async #runParts(): Promise<RunParts> {
    const { context, log } = this.parts;
    const settings = await this.parts.settings();
    this.#trace.redactor.learn(settings);
    const onStatus = (status: HealthSummary) => this.#setStatus(status);
    return { extension: context.extension, log, trace: this.#trace, settings, handlers: this.#handlers, onStatus };
  }

  async #end(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    this.#setStatus(undefined);
    await run?.end();
  }

  /** The process ended by itself. */
  #recover({ code, words }: Ending): void {
    this.#run = undefined;
    this.#setStatus(undefined);
    this.parts.log.error(`the server ended: ${words}`);
    if (code === CANNOT_RUN_HERE) this.#lackPython(words);
    else this.#startAfter(this.#restarts.afterCrash(), words);
  }

  #startAfter(waitMs: number | undefined, reason: string): void {
    if (waitMs === undefined) {
      this.#enter({ kind: "crashed", reason });
      this.#notices.crashed(reason);
    } else {
      this.#enter({ kind: "starting" });
      this.#nextStart = setTimeout(() => void this.start(), waitMs);
    }
  }

  #lackPython(reason: string): void {
    this.#enter({ kind: "noPython", reason });
    this.#notices.noPython(reason);
  }

  #enter(state: ServerState): void {
    this.#state = state;
    this.#stateChanged.fire(state);
  }

  #setStatus(status: HealthSummary | undefined): void {
    if (status === undefined && this.#status === undefined) return;
    this.#status = status;
    this.#statusChanged.fire(status);
  }
}

function traceInto(log: vscode.LogOutputChannel): Trace {
  return {
    redactor: new Redactor(),
    write: (line) => log.info(line),
    get level() {
      return vscode.workspace.getConfiguration("aiGateway").get<TraceLevel>("trace.server", "off");
    },
  };
}

function wordsFor(state: ServerState): string {
  switch (state.kind) {
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
