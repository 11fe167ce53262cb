/** Speaks with one process of the server. Loaded when there is one, and the language client with it. */

import type { ChildProcessWithoutNullStreams } from "node:child_process";
import * as vscode from "vscode";
import type { LanguageClientOptions } from "vscode-languageclient";
import type { MessageReader, MessageWriter } from "vscode-languageserver-protocol/node";
import { workspaceSettings } from "./configuration";
import { isDiscarded } from "./discarded";
import { GatewayError, type ServerRequestHandler } from "./gateway";
import {
  BaseLanguageClient,
  CancellationToken,
  CloseAction,
  ErrorAction,
  ErrorCodes,
  LSPErrorCodes,
  ProgressType,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from "./languageClient.js";
import type { ServerSettings } from "./settingNames";
import { type Trace, traced } from "./trace";

/** Not the protocol's own: the process ended before it answered. */
const SERVER_ENDED = -32099;
const STOP_MS = 1500;
const NOTE_MS = 10_000;
const PROGRESS = new ProgressType<unknown>();

export interface Wiring {
  readonly extension: vscode.Extension<unknown>;
  readonly log: vscode.LogOutputChannel;
  readonly trace: Trace;
  readonly settings: ServerSettings;
}

/** One connection, from `initialize` to `exit`; a process that was started again gets another one. */
export class Client extends BaseLanguageClient {
  constructor(
    private readonly server: ChildProcessWithoutNullStreams,
    private readonly wiring: Wiring,
  ) {
    super("aiGateway", "AI Gateway", optionsOf(wiring));
    this.registerFeature({
      fillClientCapabilities: (capabilities) => {
        capabilities.experimental = { aiGateway: { input: true, chat: true } };
      },
      initialize: () => undefined,
      getState: () => ({ kind: "static" }),
      clear: () => undefined,
    });
  }

  get version(): string {
    return this.initializeResult?.serverInfo?.version ?? "";
  }

  /** Ask the server. Throws a `GatewayError`, or a `CancellationError`. */
  async ask(method: string, params: object, token?: vscode.CancellationToken): Promise<unknown> {
    try {
      // one that is undefined would be sent as a second parameter
      return await (token === undefined ? this.sendRequest(method, params) : this.sendRequest(method, params, token));
    } catch (error) {
      throw fromWire(error);
    }
  }

  /** Get what is reported with a token, until that is disposed of. */
  listen(progressToken: string, listener: (value: unknown) => void): vscode.Disposable {
    return this.onProgress(PROGRESS, progressToken, listener);
  }

  /** Answer a request of the server. */
  answer(method: string, handler: ServerRequestHandler): vscode.Disposable {
    return this.onRequest(method, async (params: unknown, token: vscode.CancellationToken) => {
      const report = (value: object) => this.sendProgress(PROGRESS, progressTokenOf(params), value);
      try {
        return await handler(params, token, report);
      } catch (error) {
        return this.toWire(method, error);
      }
    });
  }

  /** Say farewell; the process may have to be ended by force afterwards. */
  override async stop(): Promise<void> {
    await super.stop(STOP_MS);
  }

  /** Problems of the connection are written down; whoever owns the process tells people of them. */
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }

  /** It would show credentials: `traced` writes instead. */
  override trace(): void {}

  protected override async createMessageTransports(): Promise<{ reader: MessageReader; writer: MessageWriter }> {
    const { stdout, stdin } = this.server;
    const transports = { reader: new StreamMessageReader(stdout), writer: new StreamMessageWriter(stdin) };
    return traced(transports, this.wiring.trace);
  }

  protected override fillInitializeParams(params: Parameters<BaseLanguageClient["fillInitializeParams"]>[0]): void {
    super.fillInitializeParams(params);
    params.processId = process.pid;
  }

  private toWire(method: string, error: unknown): ResponseError<unknown> {
    if (error instanceof GatewayError) return new ResponseError(error.code, error.message, error.data);
    if (error instanceof vscode.CancellationError) {
      return new ResponseError(LSPErrorCodes.RequestCancelled, "cancelled");
    }
    this.wiring.log.error(`${method} could not be answered`, error instanceof Error ? error : String(error));
    return new ResponseError(ErrorCodes.InternalError, "the editor could not answer");
  }
}

function optionsOf({ extension, log, trace, settings }: Wiring): LanguageClientOptions {
  return {
    documentSelector: [{ scheme: "file" }, { scheme: "untitled" }],
    outputChannel: log,
    initializationOptions: settings,
    initializationFailedHandler: () => false,
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => ({ action: CloseAction.DoNotRestart, handled: true, message: "the connection has ended" }),
    },
    middleware: {
      workspace: {
        configuration: ({ items }) => {
          const scopes = items.map(({ scopeUri }) => (scopeUri ? vscode.Uri.parse(scopeUri) : undefined));
          const sections = scopes.map((scope) => workspaceSettings(extension, scope));
          trace.redactor.learn(sections);
          return sections;
        },
        didChangeConfiguration: (_sections, next) => next(undefined), // the server asks; nobody's keys go along
        handleApplyEdit: async (params, next) => {
          const done = await next(params, CancellationToken.None);
          const isDone = done instanceof ResponseError || done.applied;
          return !isDone && isDiscarded(params.edit, versionOf) ? discarded() : done;
        },
      },
    },
  };
}

function versionOf(uri: string): number | undefined {
  const wanted = vscode.Uri.parse(uri).toString();
  return vscode.workspace.textDocuments.find((document) => document.uri.toString() === wanted)?.version;
}

/** VS Code makes no edit whose boxes nobody has ticked, which looks as if it had; so it says something in either case. */
function discarded(): ResponseError<void> {
  vscode.window.setStatusBarMessage(vscode.l10n.t("AI Gateway: the edit was not applied"), NOTE_MS);
  return new ResponseError(LSPErrorCodes.RequestCancelled, "discarded");
}

function progressTokenOf(params: unknown): string | number {
  const { token } = params as { token: string | number };
  return token;
}

const LOST: ReadonlySet<number> = new Set([
  ErrorCodes.PendingResponseRejected,
  ErrorCodes.ConnectionInactive,
  ErrorCodes.MessageWriteError,
  ErrorCodes.MessageReadError,
]);

function fromWire(error: unknown): Error {
  if (!(error instanceof ResponseError)) return ended(error);
  if (error.code === LSPErrorCodes.RequestCancelled) return new vscode.CancellationError();
  if (LOST.has(error.code)) return ended(error);
  return new GatewayError(error.message, error.code, error.data);
}

function ended(cause: unknown): GatewayError {
  const words = vscode.l10n.t("The AI Gateway server ended before it answered. Ask again.");
  const error = new GatewayError(words, SERVER_ENDED, undefined);
  error.cause = cause;
  return error;
}
