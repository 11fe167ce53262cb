/** Turns that follow each other, and what of them a model is told with the next question. */

import type { MessageParam } from "../generated/messages";
import type { Region, Turn } from "./turn";

/** Characters of earlier turns that a model is told, some 25,000 tokens; of older ones nothing. */
export const MOST_BEFORE = 100_000;

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
    const told = [...this.toldBefore(turn).flatMap(exchange), ...turn.prompt];
    return [...instructionsIn(told), ...told.filter(({ role }) => role !== "system")];
  }

  /** The files that those messages quote. */
  pathsFor(turn: Turn): string[] {
    return [...new Set([...this.toldBefore(turn), turn].flatMap(({ paths }) => paths))];
  }

  /** How many earlier turns a model is not told, as there are too many. */
  leftOutBefore(turn: Turn): number {
    return this.answeredBefore(turn).length - this.toldBefore(turn).length;
  }

  /** The code that a turn's answer could take the place of: what it or the last turn before it was about. */
  regionFor(id: number): Region | undefined {
    const end = this.all.findIndex((turn) => turn.id === id) + 1;
    return this.all.slice(0, end).findLast(({ region }) => region)?.region;
  }

  /** The newest that there is room for, each of them whole; the last one however long it is. */
  private toldBefore(turn: Turn): Turn[] {
    const before = this.answeredBefore(turn);
    let room = MOST_BEFORE;
    const tooMuch = before.findLastIndex((each) => {
      room -= lengthOf(each);
      return room < 0;
    });
    return before.slice(Math.min(tooMuch + 1, before.length - 1));
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

function lengthOf(turn: Turn): number {
  return exchange(turn).reduce((sum, { content }) => sum + (content?.length ?? 0), 0);
}

/** Instructions stand at the beginning, where every model expects them, and each only once. */
function instructionsIn(messages: readonly MessageParam[]): MessageParam[] {
  const byText = new Map(messages.filter(({ role }) => role === "system").map((message) => [message.content, message]));
  return [...byText.values()];
}
