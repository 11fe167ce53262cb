/** The place to type in: the code that is asked about, the question, and whether only this machine may see it. */

import { h, put, refill, set } from "../shared/dom";
import { icon } from "../shared/icons";
import type { ComposerView, Strings, ToHost } from "./messages";

export class Composer {
  readonly element: HTMLElement;
  private readonly input: HTMLTextAreaElement;
  private readonly chips = h("div.chips");
  private readonly lock = h("button.tool.lock", { type: "button" });
  private readonly send: HTMLButtonElement;
  private readonly stop: HTMLButtonElement;
  private view: ComposerView = { chip: null, attachable: null, isPrivate: false, isAlwaysPrivate: false };
  private asked: string[] = [];
  /** Which earlier question is shown; one past the last is what is being typed. */
  private recalled = 0;
  private typed = "";
  private isRunning = false;

  constructor(
    private readonly strings: Strings,
    private readonly post: (message: ToHost) => void,
  ) {
    this.input = h("textarea", { rows: 1, "aria-label": strings.input, placeholder: strings.placeholder });
    this.send = roundButton("send", strings.send, () => this.submit());
    this.stop = roundButton("stop", strings.stop, () => post({ kind: "stop" }));
    this.input.addEventListener("input", () => this.onInput());
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.lock.addEventListener("click", () => this.toggleLock());
    this.element = h(
      "form.composer",
      { onsubmit: (event: SubmitEvent) => event.preventDefault() },
      this.chips,
      this.input,
      h("div.composer-tools", {}, this.lock, h("span.room"), this.stop, this.send),
    );
    this.showRunning(false, false);
  }

  begin(draft: string, asked: readonly string[]): void {
    this.asked = [...asked];
    this.recalled = this.asked.length;
    this.write(draft);
  }

  focus(): void {
    this.input.focus();
  }

  show(view: ComposerView): void {
    const hadFocus = this.chips.contains(document.activeElement);
    this.view = view;
    this.showChip();
    this.showLock();
    if (hadFocus && !this.chips.contains(document.activeElement)) this.input.focus();
  }

  showRunning(isRunning: boolean, isFollowUp: boolean): void {
    this.isRunning = isRunning;
    const hadFocus = document.activeElement === this.send || document.activeElement === this.stop;
    this.stop.hidden = !isRunning;
    this.send.hidden = isRunning;
    this.input.placeholder = isFollowUp ? this.strings.followUp : this.strings.placeholder;
    this.showSendable();
    if (hadFocus) this.input.focus();
  }

  /** Ask this, as if it had been typed. */
  ask(question: string): void {
    this.write(question);
    this.submit();
  }

  private showChip(): void {
    const { chip, attachable } = this.view;
    this.chips.hidden = !chip && !attachable;
    refill(this.chips);
    if (chip) put(this.chips, this.removable(chip.label, chip.title));
    else if (attachable) put(this.chips, this.attachButton(attachable.label, attachable.title));
  }

  private removable(label: string, title: string): HTMLElement {
    const remove = `${this.strings.detach}: ${label}`;
    return h(
      "span.chip.attached",
      { title },
      icon("file"),
      h("span", {}, label),
      h(
        "button.tool",
        {
          type: "button",
          title: remove,
          "aria-label": remove,
          onclick: () => this.detach(),
          onkeydown: (event: KeyboardEvent) => {
            if (event.key === "Delete" || event.key === "Backspace") this.detach();
          },
        },
        icon("close"),
      ),
    );
  }

  private attachButton(label: string, title: string): HTMLElement {
    return h(
      "button.chip.attachable",
      {
        type: "button",
        title: `${this.strings.attach}: ${title}`,
        "aria-label": `${this.strings.attach}: ${label}`,
        onclick: () => this.post({ kind: "attach" }),
      },
      icon("attach"),
      h("span", {}, label),
    );
  }

  private detach(): void {
    this.post({ kind: "detach" });
    this.input.focus();
  }

  private showLock(): void {
    const { isPrivate, isAlwaysPrivate } = this.view;
    const { strings } = this;
    const title = isAlwaysPrivate ? strings.isAlwaysPrivate : isPrivate ? strings.isPrivateTitle : strings.makePrivate;
    set(this.lock, {
      "aria-pressed": String(isPrivate),
      "aria-disabled": isAlwaysPrivate ? "true" : undefined,
      "aria-label": strings.makePrivate,
      title,
    });
    refill(this.lock, icon(isPrivate ? "lock" : "unlock"), isPrivate && h("span", {}, strings.isPrivate));
    this.element.classList.toggle("private", isPrivate);
  }

  private toggleLock(): void {
    if (!this.view.isAlwaysPrivate) this.post({ kind: "private", isOn: !this.view.isPrivate });
  }

  private onInput(): void {
    this.recalled = this.asked.length;
    this.showSendable();
    this.post({ kind: "draft", text: this.input.value });
  }

  private onKey(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "ArrowUp" && this.isOnFirstLine()) {
      this.recall(event, -1);
    } else if (event.key === "ArrowDown" && this.isOnLastLine()) {
      this.recall(event, 1);
    } else if (event.key === "Backspace" && this.isAtStart() && this.view.chip) {
      this.chips.querySelector("button")?.focus();
    }
  }

  private submit(): void {
    const question = this.input.value.trim();
    if (!question || this.isRunning) return;
    this.asked.push(question);
    this.recalled = this.asked.length;
    this.write("");
    this.post({ kind: "ask", question });
  }

  private recall(event: KeyboardEvent, step: number): void {
    const next = this.recalled + step;
    if (next < 0 || next > this.asked.length) return;
    event.preventDefault();
    if (this.recalled === this.asked.length) this.typed = this.input.value;
    this.recalled = next;
    this.write(this.asked[next] ?? this.typed);
  }

  private write(text: string): void {
    this.input.value = text;
    this.showSendable();
    this.post({ kind: "draft", text });
  }

  private showSendable(): void {
    set(this.send, { "aria-disabled": this.input.value.trim() ? undefined : "true" });
  }

  private isAtStart(): boolean {
    return this.input.selectionStart === 0 && this.input.selectionEnd === 0;
  }

  private isOnFirstLine(): boolean {
    return !this.input.value.slice(0, this.input.selectionStart).includes("\n");
  }

  private isOnLastLine(): boolean {
    return !this.input.value.slice(this.input.selectionEnd).includes("\n");
  }
}

function roundButton(name: "send" | "stop", label: string, onclick: () => void): HTMLButtonElement {
  return h(`button.round.${name}`, { type: "button", title: label, "aria-label": label, onclick }, icon(name));
}
