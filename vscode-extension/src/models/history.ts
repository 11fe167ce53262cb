/** What was said to `@gateway` before, as far as the next question may tell it. */

import type * as vscode from "vscode";
import type { ContextEntry, LeftOutResult, MessageParam } from "../generated/messages";

/** Kept with a response: what was shown may have a seam and a byline, which are no part of the conversation. */
export interface Metadata {
  readonly answer?: string;
  readonly queryId?: string;
  /** URIs of the files that the model was told of, and whose text the answer may quote. */
  readonly paths?: readonly string[];
  /** Whether only models on this machine were asked, by its command or by a setting. */
  readonly isPrivate?: boolean;
}

type Turn = vscode.ChatContext["history"][number];

/** The command of a question that only models on this machine are asked. */
export const PRIVATE = "private";

/**
 * The turns that belong to the conversation; what was private is told only with what is private, too.
 *
 * A question that nobody answered is no part of it: of that, nothing says whether it was private.
 */
export function toldBefore(history: readonly Turn[], isPrivate: boolean): Turn[] {
  return history.flatMap((question, at) => {
    const answer = history[at + 1];
    if (!("prompt" in question) || answer === undefined || "prompt" in answer) return [];
    return isTold(answer, isPrivate) ? [question, answer] : [];
  });
}

function isTold(answer: vscode.ChatResponseTurn, isPrivate: boolean): boolean {
  const { answer: text, isPrivate: wasPrivate = answer.command === PRIVATE } = metadataOf(answer);
  return Boolean(text) && (isPrivate || !wasPrivate);
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
