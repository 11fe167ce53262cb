/** One question and what has come of it so far. Every change gives a new turn. */

import type { MessageParam, QueryResult, ResetProgress, StartedProgress } from "../generated/messages";
import type { Chip, Phase } from "../webview/answer/messages";
import type { Failure } from "./failure";

/** A place in a text, as LSP has it. */
export interface Place {
  readonly line: number;
  readonly character: number;
}

/** The code that a question is about, as it was then. */
export interface Region {
  /** The document's URI. */
  readonly uri: string;
  /** The whole lines that an answer could take the place of. */
  readonly start: Place;
  readonly end: Place;
  readonly text: string;
}

/** Text that a tier had written when it failed. */
export interface TakenBack {
  readonly by: StartedProgress | undefined;
  readonly text: string;
  /** A failure kind. */
  readonly reason: string;
}

export interface Turn {
  readonly id: number;
  readonly question: string;
  readonly isPrivate: boolean;
  /** Milliseconds since the epoch. */
  readonly askedAt: number;
  /** What of it a model is sent; empty until that is known. */
  readonly prompt: readonly MessageParam[];
  /** URIs of the files that the prompt quotes. */
  readonly paths: readonly string[];
  /** What the code is called. */
  readonly about: Chip | undefined;
  readonly region: Region | undefined;
  readonly phase: Phase;
  readonly by: StartedProgress | undefined;
  readonly text: string;
  readonly takenBack: readonly TakenBack[];
  readonly result: QueryResult | undefined;
  readonly failure: Failure | undefined;
}

export type Asked = Pick<Turn, "id" | "question" | "isPrivate" | "askedAt" | "prompt" | "paths" | "about" | "region">;

/** A question that nobody has said anything to yet; also one that is asked again. */
export function asked(what: Asked): Turn {
  const { id, question, isPrivate, askedAt, prompt, paths, about, region } = what;
  const nothing = { by: undefined, text: "", takenBack: [], result: undefined, failure: undefined };
  return { id, question, isPrivate, askedAt, prompt, paths, about, region, phase: "waiting", ...nothing };
}

export function started(turn: Turn, by: StartedProgress): Turn {
  return { ...turn, phase: "streaming", by };
}

export function grown(turn: Turn, piece: string): Turn {
  return { ...turn, text: turn.text + piece };
}

/** What was shown does not count any more. */
export function reset(turn: Turn, { reason }: ResetProgress): Turn {
  const { by, text } = turn;
  const takenBack = text ? [...turn.takenBack, { by, text, reason }] : turn.takenBack;
  return { ...turn, phase: "waiting", by: undefined, text: "", takenBack };
}

/** The result has the whole answer, whatever was streamed of it. */
export function answered(turn: Turn, result: QueryResult): Turn {
  const { provider, backend, model } = result;
  return {
    ...turn,
    phase: "answered",
    by: { kind: "started", provider, backend, model },
    text: result.response,
    result,
  };
}

export function stopped(turn: Turn): Turn {
  return { ...turn, phase: "stopped" };
}

export function failed(turn: Turn, failure: Failure): Turn {
  return { ...turn, phase: "failed", failure };
}

export function isOver({ phase }: Turn): boolean {
  return phase !== "waiting" && phase !== "streaming";
}

/** What `ai/explain` knows the turn's query by. */
export function queryIdOf({ result, failure }: Turn): string | undefined {
  return result?.query_id ?? failure?.queryId;
}

export function wordsIn(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}
