/** The conversation: its turns, and a view that stays at the end for as long as the person is there. */

import { h, set } from "../shared/dom";
import { icon } from "../shared/icons";
import type { Strings, ToHost, TurnView } from "./messages";
import { TurnElement } from "./turn";

/** So near to the end, in pixels, counts as the end. */
const NEAR = 24;

export class Feed {
  readonly element = h("div.feed-frame");
  private readonly turns = new Map<number, TurnElement>();
  private readonly list = h("div.feed", { role: "feed" });
  private readonly toEnd: HTMLButtonElement;
  private isFollowing = true;

  constructor(
    private readonly strings: Strings,
    private readonly post: (message: ToHost) => void,
  ) {
    set(this.list, { "aria-label": strings.conversation });
    this.toEnd = h(
      "button.to-end",
      { type: "button", hidden: true, title: strings.toEnd, "aria-label": strings.toEnd, onclick: () => this.jump() },
      icon("down"),
    );
    this.element.append(this.list, this.toEnd);
    this.list.addEventListener("scroll", () => this.onScroll(), { passive: true });
    this.list.addEventListener("wheel", (event) => this.onWheel(event), { passive: true });
    this.list.addEventListener("keydown", (event) => this.onKey(event));
  }

  put(turn: TurnView): void {
    const known = this.turns.get(turn.id);
    if (known) known.update(turn);
    else this.add(turn);
    this.follow();
  }

  append(id: number, piece: string): void {
    this.turns.get(id)?.append(piece);
  }

  tick(): void {
    for (const turn of this.turns.values()) if (turn.isRunning) turn.tick();
  }

  get isEmpty(): boolean {
    return this.turns.size === 0;
  }

  private add(turn: TurnView): void {
    const element = new TurnElement(turn, this.strings, this.post, () => this.follow());
    this.turns.set(turn.id, element);
    this.list.append(element.element);
    this.isFollowing = true;
    const all = [...this.turns.values()];
    all.forEach((each, at) => {
      set(each.element, { "aria-posinset": at + 1, "aria-setsize": all.length });
    });
  }

  private follow(): void {
    if (this.isFollowing) this.list.scrollTop = this.list.scrollHeight;
    this.showToEnd();
  }

  private jump(): void {
    this.isFollowing = true;
    this.follow();
    [...this.turns.values()].at(-1)?.element.focus({ preventScroll: true });
  }

  private onScroll(): void {
    if (this.isAtEnd()) this.isFollowing = true;
    else if (this.list.scrollTop < this.lastTop) this.isFollowing = false;
    this.lastTop = this.list.scrollTop;
    this.showToEnd();
  }
  private lastTop = 0;

  private onWheel(event: WheelEvent): void {
    if (event.deltaY < 0) this.isFollowing = false;
  }

  private isAtEnd(): boolean {
    return this.list.scrollHeight - this.list.clientHeight - this.list.scrollTop < NEAR;
  }

  private showToEnd(): void {
    this.toEnd.hidden = this.isFollowing || this.isAtEnd();
  }

  /** Move between turns, as a feed does. */
  private onKey(event: KeyboardEvent): void {
    const step = event.key === "PageDown" ? 1 : event.key === "PageUp" ? -1 : 0;
    if (step === 0 || event.ctrlKey || event.altKey) return;
    const all = [...this.turns.values()].map((turn) => turn.element);
    const at = all.findIndex((element) => element.contains(document.activeElement));
    const next = all[at + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}
