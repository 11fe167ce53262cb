/** The dashboard's page: shows what the extension says, and says what the person does. */

import { connect } from "../shared/bridge";
import { h, refill } from "../shared/dom";
import { icon } from "../shared/icons";
import { cacheFigure } from "./cache";
import { cardList, offerButton } from "./cards";
import { circuitFigure } from "./circuits";
import { latencyFigure } from "./latency";
import type { Away, Overview, ToHost, ToView } from "./messages";
import { patterns } from "./patterns";
import { QueryList } from "./queries";
import { Speech } from "./speech";
import { showTips } from "./tip";
import { topLine } from "./top";
import { UseFigure } from "./use";

type Post = (message: ToHost) => void;

/** What is drawn up to now is drawn anew as often: a day is some hundred pixels wide. */
const NOW_MS = 5 * 60_000;

/** The parts of the page. */
class Page {
  private readonly main = h("main.dashboard");
  private readonly problem = h("p.problem", { role: "alert", hidden: true });
  private readonly queries: QueryList;
  private readonly use: UseFigure;
  /** What a screen reader says of a change. */
  private readonly live = h("p.hidden", { role: "status" });
  private overview: Overview | undefined;
  private drawn = "";

  constructor(
    private readonly speech: Speech,
    private readonly post: Post,
  ) {
    const redraw = () => this.draw();
    this.queries = new QueryList(speech, post, redraw);
    this.use = new UseFigure(speech, redraw);
    document.body.replaceChildren(patterns(), this.problem, this.main, this.live, showTips());
    refill(this.main, h("p.empty", {}, speech.strings.loading));
    setInterval(redraw, NOW_MS);
  }

  receive(message: Exclude<ToView, { kind: "begin" }>): void {
    this.problem.hidden = message.kind !== "problem";
    switch (message.kind) {
      case "problem":
        this.problem.textContent = message.text;
        break;
      case "away":
        this.overview = undefined;
        this.drawn = "";
        refill(this.main, awayPage(message.away, this.post));
        this.live.textContent = message.away.title;
        break;
      case "overview":
        this.overview = message.overview;
        if (this.isNew(message.overview)) this.draw();
        if (this.live.textContent !== message.overview.headline) this.live.textContent = message.overview.headline;
        break;
    }
  }

  /** Nothing flickers, and nobody loses their place, for something that is shown already. */
  private isNew(overview: Overview): boolean {
    const before = this.drawn;
    this.drawn = JSON.stringify(overview);
    return this.drawn !== before;
  }

  private draw(): void {
    const { overview, speech } = this;
    if (overview === undefined) return;
    keepingFocus(() =>
      refill(
        this.main,
        topLine(overview, speech),
        cardList(overview.cards, speech, this.post),
        this.queries.draw(overview),
        h(
          "div.figures",
          {},
          circuitFigure(overview, speech),
          this.use.draw(overview),
          latencyFigure(overview, speech),
          cacheFigure(overview, speech),
        ),
      ),
    );
  }
}

/** Draw anew, with the focus where it was. */
function keepingFocus(draw: () => void): void {
  const key = document.activeElement?.getAttribute("data-key") ?? null;
  draw();
  if (key === null) return;
  const all = [...document.querySelectorAll<HTMLElement | SVGElement>("[data-key]")];
  all.find((element) => element.getAttribute("data-key") === key)?.focus({ preventScroll: true });
}

function awayPage(away: Away, post: Post): HTMLElement {
  return h(
    "section.away",
    {},
    h("h1", {}, icon(away.isStarting ? "loading" : "alert"), away.title),
    h("p", {}, away.detail),
    h("div.offers", {}, ...away.offers.map((offer) => offerButton(offer, post, offer.command))),
  );
}

let page: Page | undefined;

const bridge = connect<ToHost, ToView>((message) => {
  if (message.kind === "begin") {
    page = new Page(new Speech(message.strings, message.reasons, message.locale), (said) => bridge.post(said));
  } else page?.receive(message);
});

bridge.post({ kind: "ready" });
