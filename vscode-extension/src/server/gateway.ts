/** The server as the rest of the extension sees it. */

import type * as vscode from "vscode";
import type {
  DeltaProgress,
  HealthSummary,
  QueryParams,
  QueryResult,
  ResetProgress,
  StartedProgress,
} from "../generated/messages";
import type { ParamsOf, RequestMethod, ResultOf } from "../protocol";
import type { Launch } from "./process";

/**
 * How the server's process is. `wrongCommand`: what a person set to be run instead of it can't be. `crashed`: it ended
 * too often to be started again by itself.
 */
export type ServerState =
  | { readonly kind: "stopped" }
  | { readonly kind: "starting" }
  | { readonly kind: "running"; readonly version: string; readonly simulated: boolean }
  | { readonly kind: "noPython"; readonly reason: string }
  | { readonly kind: "wrongCommand"; readonly reason: string }
  | { readonly kind: "crashed"; readonly reason: string };

/** An error that the server answered with; its message is safe to show. */
export class GatewayError extends Error {
  constructor(
    message: string,
    readonly code: number,
    readonly data: unknown,
  ) {
    super(message);
  }
}

/** What is told while a query is being answered. */
export interface QueryEvents {
  started?(by: StartedProgress): void;
  delta?(piece: DeltaProgress): void;
  /** What was shown so far does not count any more. */
  reset?(why: ResetProgress): void;
}

/** Answers a request of the server; `report` streams by `$/progress`, where the request named a token. */
export type ServerRequestHandler = (
  params: unknown,
  token: vscode.CancellationToken,
  report: (value: object) => Promise<void>,
) => Promise<unknown>;

export interface Gateway extends vscode.Disposable {
  readonly state: ServerState;
  readonly onDidChangeState: vscode.Event<ServerState>;
  /** What was run at the last start; undefined: nothing was found to be run. */
  readonly launch: Launch | undefined;
  /** As the server pushed it last; undefined while it does not run. */
  readonly status: HealthSummary | undefined;
  readonly onDidChangeStatus: vscode.Event<HealthSummary | undefined>;

  /** These three wait for each other, and never throw: `state` tells what came of it. */
  start(): Promise<void>;
  stop(): Promise<void>;
  restart(how?: { simulated?: boolean }): Promise<void>;

  /** Ask the server; starts it, if it does not run. Throws a `GatewayError`, or a `CancellationError`. */
  request<M extends RequestMethod>(
    method: M,
    params: ParamsOf<M>,
    token?: vscode.CancellationToken,
  ): Promise<ResultOf<M>>;

  /** Ask a model; throws as `request` does. */
  query(params: QueryParams, events: QueryEvents, token?: vscode.CancellationToken): Promise<QueryResult>;

  /** Run one of the server's commands; throws as `request` does. */
  execute(command: string, argument?: object): Promise<unknown>;

  /** Tell the server something; it is lost while the server does not run. */
  notify(method: string, params: object): Promise<void>;

  /** Answer a request of the server, also after a restart. A handler that throws a `GatewayError` answers with it. */
  handle(method: string, handler: ServerRequestHandler): vscode.Disposable;
}
