/** What was said to `@gateway` before, as far as the next question may tell it. */

import type * as vscode from "vscode";
import type { ContextEntry, LeftOutResult, MessageParam } from "../generated/messages";

/** Kept with a response: what was shown may have a seam and a byline, which are no part of the conversation. */
export interface Metadata {
  readonly answer?: string;
  readonly queryId?: string;
  /** URIs of the files that the model was told of, and whose text the answer may quote. */
  readonly paths?: readonly string[];
}

type Turn = vscode.ChatContext["history"][number];

/** The command of a question that only models on this machine are asked. */
export const PRIVATE = "private";
/** Commands that ask of the gateway, not of a model. */
const OF_THE_GATEWAY: readonly string[] = ["health", "explain"];

/** The turns that belong to the conversation; what was private is told only with what is private, too. */
export function toldBefore(history: readonly Turn[], isPrivate: boolean): Turn[] {
  const untold = isPrivate ? OF_THE_GATEWAY : [...OF_THE_GATEWAY, PRIVATE];
  return history.filter(({ command }) => command === undefined || !untold.includes(command));
}

export function messagesIn(turns: readonly Turn[]): MessageParam[] {
  return turns.flatMap((turn): MessageParam[] => {
    const isQuestion = "prompt" in turn;
    const content = isQuestion ? turn.prompt : metadataOf(turn).answer;
    return content ? [{ role: isQuestion ? "user" : "assistant", content }] : [];
  });
}

/** The files that those messages may quote, so that a private one keeps what follows private. */
export function pathsIn(turns: readonly Turn[]): string[] {
  return [...new Set(turns.flatMap((turn) => ("prompt" in turn ? [] : (metadataOf(turn).paths ?? []))))];
}

/** URIs of the files of a context that were not left out of it. */
export function sentOf(context: readonly ContextEntry[], leftOut: readonly LeftOutResult[]): string[] {
  const names = leftOut.map(({ path }) => path);
  return context.flatMap(({ path, uri }) => (uri && !names.includes(path ?? uri) ? [uri] : []));
}

function metadataOf({ result }: vscode.ChatResponseTurn): Metadata {
  return (result.metadata ?? {}) as Metadata;
}
