/** A block of code with what can be done with it. */

import { h, refill } from "../shared/dom";
import { type IconName, icon } from "../shared/icons";
import { coloured } from "./colours";
import type { Strings } from "./messages";

/** What the buttons do. */
export interface CodeActions {
  readonly strings: Strings;
  /** Whether there is code that it could take the place of. */
  canApply(): boolean;
  copy(text: string): void;
  insert(text: string): void;
  apply(text: string): void;
  newFile(text: string, language: string): void;
}

const COPIED_MILLISECONDS = 1500;

export class CodeBlock {
  readonly element: HTMLElement;
  private readonly text = document.createTextNode("");
  private readonly tools = h("div.tools");
  private readonly code: HTMLElement;

  constructor(
    private readonly language: string,
    private readonly actions: CodeActions,
  ) {
    const { strings } = actions;
    this.code = h("code", {}, this.text);
    const label = language ? strings.code.replace("{0}", language) : strings.plainCode;
    this.element = h(
      "div.code",
      { role: "group", "aria-label": label },
      h("div.code-head", {}, h("span.language", {}, language), this.tools),
      h("pre", { tabindex: 0 }, this.code),
    );
  }

  /** Show a longer or another text; what is there already is not touched. */
  show(text: string): void {
    if (text === this.text.data) return;
    if (text.startsWith(this.text.data)) this.text.appendData(text.slice(this.text.length));
    else this.text.data = text;
  }

  /** It is whole: offer what can be done with it. */
  settle(): void {
    if (this.tools.hasChildNodes()) return;
    const { strings } = this.actions;
    refill(
      this.tools,
      this.copyButton(),
      this.button("insert", strings.insert, () => this.actions.insert(this.text.data)),
      this.actions.canApply() && this.button("apply", strings.apply, () => this.actions.apply(this.text.data)),
      this.button("newFile", strings.newFile, () => this.actions.newFile(this.text.data, this.language)),
    );
    const pieces = coloured(this.text.data, this.language);
    if (pieces.length > 0) refill(this.code, ...pieces);
  }

  private copyButton(): HTMLButtonElement {
    const { strings } = this.actions;
    const button = this.button("copy", strings.copy, () => {
      this.actions.copy(this.text.data);
      face(button, "check", strings.copied);
      setTimeout(() => face(button, "copy", strings.copy), COPIED_MILLISECONDS);
    });
    return button;
  }

  private button(name: IconName, label: string, onclick: () => void): HTMLButtonElement {
    const button = h("button.tool", { type: "button", onclick });
    face(button, name, label);
    return button;
  }
}

function face(button: HTMLButtonElement, name: IconName, label: string): void {
  button.title = label;
  button.setAttribute("aria-label", label);
  button.replaceChildren(icon(name));
}
