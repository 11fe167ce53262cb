/** One answer at a time: asked for, followed while it comes in, and ended when the person says so. */

import * as vscode from "vscode";
import type { MessageParam } from "../generated/messages";
import type { Gateway } from "../server/gateway";
import { mannerNow } from "../status/watch";
import type { Chip } from "../webview/answer/messages";
import type { Conversation } from "./conversation";
import { failureOf } from "./failure";
import { answered, failed, grown, type Region, reset, started, stopped, type Turn } from "./turn";

/** What a question is sent as. */
export interface Prompt {
  readonly messages: readonly MessageParam[];
  readonly paths: readonly string[];
  readonly about: Chip | undefined;
  readonly region: Region | undefined;
}

/** Is told of every change. */
export interface Listener {
  changed(turn: Turn): void;
  grew(turn: Turn, piece: string): void;
}

export class Asking {
  private running: vscode.CancellationTokenSource | undefined;

  constructor(
    private readonly gateway: Gateway,
    private readonly conversation: Conversation,
    private readonly listener: Listener,
  ) {}

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** End the answer that is being written; at the upstream, too. */
  stop(): void {
    const { running } = this;
    this.running = undefined;
    running?.cancel();
  }

  /** Have a turn answered; `isFresh` if the cache may not answer. What goes wrong becomes part of the turn. */
  async answer(
    turn: Turn,
    prompt: (token: vscode.CancellationToken) => Promise<Prompt>,
    isFresh: boolean,
  ): Promise<void> {
    this.stop();
    const source = new vscode.CancellationTokenSource();
    this.running = source;
    const following = new Following(turn, this.conversation, this.listener);
    source.token.onCancellationRequested(() => following.end(stopped));
    try {
      following.change((asked) => asked);
      const told = await prompt(source.token);
      following.change((asked) => ({ ...asked, ...told, prompt: told.messages }));
      const result = await this.query(following, isFresh, source.token);
      this.release(source);
      following.end((latest) => answered(latest, result));
    } catch (error) {
      this.release(source);
      following.end((latest) => this.withoutAnswer(latest, error));
    } finally {
      source.dispose();
    }
  }

  private query(following: Following, isFresh: boolean, token: vscode.CancellationToken) {
    const { turn } = following;
    const params = {
      messages: this.conversation.messagesFor(turn),
      paths: this.conversation.pathsFor(turn),
      private: turn.isPrivate,
      cache: isFresh ? ("refresh" as const) : ("on" as const),
    };
    return this.gateway.query(
      params,
      {
        started: (by) => following.change((latest) => started(latest, by)),
        delta: ({ text }) => following.grow(text),
        reset: (why) => following.change((latest) => reset(latest, why)),
      },
      token,
    );
  }

  private release(source: vscode.CancellationTokenSource): void {
    if (this.running === source) this.running = undefined;
  }

  private withoutAnswer(turn: Turn, error: unknown): Turn {
    if (error instanceof vscode.CancellationError) return stopped(turn); // the server was told to end meanwhile
    return failed(turn, failureOf(error, this.gateway.state.kind !== "running", mannerNow()));
  }
}

/** Keeps a turn up to date until it ends; what comes later is of no interest. */
class Following {
  private hasEnded = false;

  constructor(
    public turn: Turn,
    private readonly conversation: Conversation,
    private readonly listener: Listener,
  ) {}

  change(how: (turn: Turn) => Turn): void {
    if (this.hasEnded) return;
    this.keep(how(this.turn));
    this.listener.changed(this.turn);
  }

  grow(piece: string): void {
    if (this.hasEnded) return;
    this.keep(grown(this.turn, piece));
    this.listener.grew(this.turn, piece);
  }

  end(how: (turn: Turn) => Turn): void {
    if (this.hasEnded) return;
    this.keep(how(this.turn));
    this.hasEnded = true;
    this.listener.changed(this.turn);
  }

  private keep(turn: Turn): void {
    this.turn = turn;
    this.conversation.put(turn);
  }
}
