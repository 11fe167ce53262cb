/** One question and its answer in the page. */

import { h, put, refill, set } from "../shared/dom";
import { type IconName, icon } from "../shared/icons";
import { AnswerText } from "./answerText";
import type { CodeActions } from "./code";
import type { FailureView, Phase, Seam, Strings, ToHost, TurnView } from "./messages";

type Post = (message: ToHost) => void;

/** The icon that each backend is known by; its word always stands beside it. */
export const BACKEND_ICONS = { copilot: "copilot", cloud: "cloud", local: "local" } as const;

export class TurnElement {
  readonly element: HTMLElement;
  private readonly question = h("div.question");
  private readonly byHeading = h("h3.by");
  private readonly seams = h("div.seams");
  private readonly footer = h("footer");
  private readonly text: AnswerText;
  private turn: TurnView;

  constructor(
    turn: TurnView,
    private readonly strings: Strings,
    private readonly post: Post,
    onGrown: () => void,
  ) {
    this.turn = turn;
    this.text = new AnswerText(this.codeActions(turn.id), onGrown);
    this.element = h(
      "article.turn",
      { tabindex: 0, "data-turn": turn.id },
      this.question,
      h("section.answer", {}, this.byHeading, this.seams, this.text.element, this.footer),
    );
    this.show(turn);
  }

  append(piece: string): void {
    this.text.append(piece);
  }

  /** Show it as it is now; a focus on something that goes stays in the turn. */
  update(turn: TurnView): void {
    const hadFocus = this.element.contains(document.activeElement);
    this.show(turn);
    if (hadFocus && !this.element.contains(document.activeElement)) this.element.focus({ preventScroll: true });
  }

  private show(turn: TurnView): void {
    this.turn = turn;
    const isDone = isOver(turn.phase);
    set(this.element, { "aria-busy": String(!isDone), "aria-label": turn.question, "data-phase": turn.phase });
    this.showQuestion();
    this.showBy();
    this.showSeams();
    this.text.set(turn.text);
    if (isDone) this.text.settle();
    refill(this.footer, ...this.footerParts());
    this.tick();
  }

  /** Keep the seconds true while one waits. */
  tick(): void {
    const clock = this.footer.querySelector(".elapsed");
    const seconds = Math.max(0, Math.floor((Date.now() - this.turn.askedAt) / 1000));
    if (clock) clock.textContent = this.strings.elapsed.replace("{0}", String(seconds));
  }

  get isRunning(): boolean {
    return !isOver(this.turn.phase);
  }

  private showQuestion(): void {
    const { about, question, isPrivate, id } = this.turn;
    refill(
      this.question,
      h("h2.hidden", {}, `${this.strings.question}: `),
      h("div.bubble", {}, question),
      (about || isPrivate) &&
        h(
          "div.marks",
          {},
          about &&
            h(
              "button.chip",
              {
                type: "button",
                title: `${this.strings.showCode}: ${about.title}`,
                onclick: () => this.post({ kind: "show", id }),
              },
              icon("file"),
              h("span", {}, about.label),
            ),
          isPrivate && h("span.mark", {}, icon("lock"), this.strings.isPrivate),
        ),
    );
  }

  private showBy(): void {
    const { by } = this.turn;
    set(this.byHeading, { hidden: !by });
    if (!by) return;
    const words = [by.name, by.model].filter(Boolean).join(" · ");
    refill(
      this.byHeading,
      icon(BACKEND_ICONS[by.backend]),
      h("span.hidden", {}, `${this.strings.answerBy} `),
      h("span", {}, words),
      h("span.backend", {}, this.strings.backends[by.backend]),
    );
  }

  private showSeams(): void {
    const isOpen = [...this.seams.children].map((seam) => seam.hasAttribute("open"));
    refill(this.seams, ...this.turn.seams.map((seam, at) => seamElement(seam, isOpen[at] ?? false)));
  }

  private footerParts(): (Node | false)[] {
    switch (this.turn.phase) {
      case "waiting":
      case "streaming":
        return [this.progress()];
      case "failed":
        return this.turn.failure ? [this.failure(this.turn.failure), this.tools()] : [];
      case "stopped":
        return [h("p.byline", {}, icon("stop"), this.strings.stopped), this.tools()];
      case "answered":
        return [this.byline(), this.tools()];
    }
  }

  private progress(): HTMLElement {
    const words = this.turn.phase === "waiting" ? this.turn.waiting : "";
    return h("p.progress", {}, h("span.spinner"), h("span", {}, words), h("span.elapsed"));
  }

  private byline(): HTMLElement {
    const told = this.turn.provenance;
    const line = h("div.byline");
    if (told) {
      for (const note of told.notes) put(line, h("p.note", {}, note));
      put(line, ...told.marks.map((mark) => h("span.mark", {}, icon("clock"), mark)), h("span", {}, told.byline));
    }
    return line;
  }

  private failure(failure: FailureView): HTMLElement {
    return h(
      "div.failure",
      { role: "group", "aria-label": this.strings.failed },
      h("p.failure-message", {}, icon("alert"), h("strong", {}, failure.message)),
      failure.reasons.length > 0 && h("ul.reasons", {}, ...failure.reasons.map(reasonItem)),
      ...failure.notes.map((note) => h("p.hint", {}, note)),
      h(
        "div.offers",
        {},
        ...failure.offers.map(({ label, icon: name, command, argument }, at) =>
          h(
            at === 0 ? "button.offer.primary" : "button.offer",
            { type: "button", onclick: () => this.post({ kind: "run", command, argument }) },
            icon(name),
            label,
          ),
        ),
      ),
    );
  }

  private tools(): HTMLElement {
    const { strings, post } = this;
    const { id, phase, hasTrace } = this.turn;
    const isAnswer = phase === "answered";
    return h(
      "div.turn-tools",
      { role: "toolbar", "aria-label": strings.answer },
      hasTrace && tool("explain", strings.explain, () => post({ kind: "trace", id, sent: false })),
      hasTrace && tool("sent", strings.sent, () => post({ kind: "trace", id, sent: true })),
      h(
        "span.again",
        {},
        tool("again", isAnswer ? strings.again : strings.retry, () => post({ kind: "again", id, isFresh: isAnswer })),
      ),
    );
  }

  private codeActions(id: number): CodeActions {
    const { post, strings } = this;
    return {
      strings,
      canApply: () => this.turn.canApply,
      copy: (text) => post({ kind: "copy", text }),
      insert: (text) => post({ kind: "insert", text }),
      apply: (text) => post({ kind: "apply", id, text }),
      newFile: (text, language) => post({ kind: "newFile", text, language }),
    };
  }
}

function isOver(phase: Phase): boolean {
  return phase !== "waiting" && phase !== "streaming";
}

function seamElement(seam: Seam, isOpen: boolean): HTMLElement {
  return h(
    "details.seam",
    { open: isOpen },
    h("summary", {}, icon("chevron"), icon("takenBack"), h("span", {}, seam.said)),
    h("div.taken-back", { tabindex: 0 }, seam.text),
  );
}

function reasonItem({ name, backend, said, hint }: FailureView["reasons"][number]): HTMLElement {
  const words = h("div", {}, h("strong", {}, name), ` ${said}`, hint && h("div.hint", {}, hint));
  return h("li", {}, icon(BACKEND_ICONS[backend]), words);
}

function tool(name: IconName, label: string, onclick: () => void): HTMLButtonElement {
  return h(
    "button.tool.worded",
    { type: "button", title: label, "aria-label": label, onclick },
    icon(name),
    h("span", {}, label),
  );
}
