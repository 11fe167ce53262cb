/** The answer view: shows what the extension says, and says what the person does. It keeps nothing. */

import { connect } from "../shared/bridge";
import { h } from "../shared/dom";
import { BannerBar, NoticeBar } from "./bars";
import { Composer } from "./composer";
import { Feed } from "./feed";
import type { ToHost, ToView, ViewState } from "./messages";
import { Welcome } from "./welcome";

/** The parts of the page, for one conversation. */
class Page {
  private readonly feed: Feed;
  private readonly welcome: Welcome;
  private readonly composer: Composer;
  private readonly banner: BannerBar;
  private readonly notice: NoticeBar;
  private readonly live = h("div.hidden", { role: "status", "aria-live": "polite" });
  private running = new Set<number>();

  constructor(state: ViewState, post: (message: ToHost) => void) {
    const { strings } = state;
    this.feed = new Feed(strings, post);
    this.composer = new Composer(strings, post);
    this.welcome = new Welcome(strings, (question) => this.composer.ask(question));
    this.banner = new BannerBar(post);
    this.notice = new NoticeBar(strings);
    this.composer.begin(state.draft, state.asked);
    document.body.replaceChildren(
      this.banner.element,
      this.welcome.element,
      this.feed.element,
      this.notice.element,
      this.composer.element,
      this.live,
    );
    for (const turn of state.turns) this.receive({ kind: "turn", turn });
    this.receive({ kind: "composer", composer: state.composer });
    this.receive({ kind: "standings", standings: state.standings });
    this.receive({ kind: "banner", banner: state.banner });
    this.showWhetherEmpty();
  }

  receive(message: Exclude<ToView, { kind: "state" }>): void {
    switch (message.kind) {
      case "turn":
        this.feed.put(message.turn);
        this.note(message.turn);
        break;
      case "delta":
        this.feed.append(message.id, message.text);
        break;
      case "composer":
        this.composer.show(message.composer);
        break;
      case "standings":
        this.welcome.show(message.standings);
        break;
      case "banner":
        this.banner.show(message.banner);
        break;
      case "focus":
        this.composer.focus();
        break;
      case "announce":
        this.live.textContent = message.text;
        break;
      case "notice":
        this.notice.show(message.text);
        break;
    }
  }

  tick(): void {
    this.feed.tick();
  }

  get isRunning(): boolean {
    return this.running.size > 0;
  }

  private note({ id, phase }: { id: number; phase: string }): void {
    if (phase === "waiting" || phase === "streaming") this.running.add(id);
    else this.running.delete(id);
    if (phase === "waiting") this.notice.show("");
    this.composer.showRunning(this.isRunning, true);
    this.showWhetherEmpty();
  }

  private showWhetherEmpty(): void {
    this.welcome.element.hidden = !this.feed.isEmpty;
    this.feed.element.hidden = this.feed.isEmpty;
  }
}

let page: Page | undefined;

const bridge = connect<ToHost, ToView>((message) => {
  if (message.kind !== "state") page?.receive(message);
  else page = new Page(message.state, (said) => bridge.post(said));
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing) return;
  event.preventDefault();
  event.stopPropagation();
  bridge.post({ kind: page?.isRunning ? "stop" : "leave" });
});

/** VS Code opens any link itself; here the extension decides, and only it knows where a link leads. */
document.addEventListener(
  "click",
  (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link) return;
    event.preventDefault();
    event.stopPropagation();
    bridge.post({ kind: "open", href: link.getAttribute("data-href") ?? "" });
  },
  { capture: true },
);

setInterval(() => page?.tick(), 1000);

bridge.post({ kind: "ready" });
