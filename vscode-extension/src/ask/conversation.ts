/** Turns that follow each other, and what of them a model is told with the next question. */

import type { MessageParam } from "../generated/messages";
import type { Region, Turn } from "./turn";

export class Conversation {
  private all: Turn[] = [];
  private lastId = 0;

  get turns(): readonly Turn[] {
    return this.all;
  }

  get last(): Turn | undefined {
    return this.all.at(-1);
  }

  nextId(): number {
    this.lastId += 1;
    return this.lastId;
  }

  find(id: number): Turn | undefined {
    return this.all.find((turn) => turn.id === id);
  }

  /** Keep a turn, in the place of what was known of it before. */
  put(turn: Turn): void {
    const at = this.all.findIndex(({ id }) => id === turn.id);
    if (at < 0) this.all.push(turn);
    else this.all[at] = turn;
  }

  clear(): void {
    this.all = [];
  }

  /** All that a model is told to answer this turn: what was said before it, and its own prompt. */
  messagesFor(turn: Turn): MessageParam[] {
    const told = [...this.answeredBefore(turn).flatMap(exchange), ...turn.prompt];
    return [...instructionsIn(told), ...told.filter(({ role }) => role !== "system")];
  }

  /** The files that those messages quote. */
  pathsFor(turn: Turn): string[] {
    return [...new Set([...this.answeredBefore(turn), turn].flatMap(({ paths }) => paths))];
  }

  /** The code that a turn's answer could take the place of: what it or the last turn before it was about. */
  regionFor(id: number): Region | undefined {
    const end = this.all.findIndex((turn) => turn.id === id) + 1;
    return this.all.slice(0, end).findLast(({ region }) => region)?.region;
  }

  /** A question that nobody answered is no part of what follows, and a private one of nothing that is not private. */
  private answeredBefore(turn: Turn): Turn[] {
    const at = this.all.findIndex(({ id }) => id === turn.id);
    return this.all
      .slice(0, at < 0 ? this.all.length : at)
      .filter(({ text, phase }) => text !== "" && phase !== "failed")
      .filter(({ isPrivate }) => turn.isPrivate || !isPrivate);
  }
}

function exchange({ prompt, text }: Turn): MessageParam[] {
  return [...prompt, { role: "assistant", content: text }];
}

/** Instructions stand at the beginning, where every model expects them, and each only once. */
function instructionsIn(messages: readonly MessageParam[]): MessageParam[] {
  const byText = new Map(messages.filter(({ role }) => role === "system").map((message) => [message.content, message]));
  return [...byText.values()];
}
