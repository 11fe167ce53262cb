/** What stands where there is no conversation yet. */

import { h, refill } from "../shared/dom";
import { icon } from "../shared/icons";
import type { Standing, Strings } from "./messages";
import { BACKEND_ICONS } from "./turn";

export class Welcome {
  readonly element: HTMLElement;
  private readonly standings = h("ul.standings");

  constructor(strings: Strings, ask: (question: string) => void) {
    this.standings.setAttribute("aria-label", strings.providers);
    this.element = h(
      "main.welcome",
      {},
      h("div.welcome-sign", {}, icon("copilot"), icon("cloud"), icon("local")),
      h("h1", {}, strings.title),
      h("p", {}, strings.intro),
      h(
        "div.examples",
        { role: "group", "aria-label": strings.examplesLabel },
        ...strings.examples.map((question) =>
          h("button.example", { type: "button", onclick: () => ask(question) }, question),
        ),
      ),
      this.standings,
      h("p.keys", {}, strings.keys),
    );
  }

  show(standings: readonly Standing[]): void {
    this.standings.hidden = standings.length === 0;
    refill(this.standings, ...standings.map(standingItem));
  }
}

function standingItem({ name, backend, said, tone }: Standing): HTMLElement {
  return h(
    `li.standing.${tone}`,
    {},
    icon(BACKEND_ICONS[backend]),
    h("span.name", {}, name),
    h("span.said", {}, said),
    h("span.dot", { "aria-hidden": "true" }),
  );
}
