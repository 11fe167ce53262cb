/** The providers, in the order of asking. */

import type { StandingKind } from "../../status/standing";
import { h } from "../shared/dom";
import { type IconName, icon } from "../shared/icons";
import type { Card, Offer, ToHost } from "./messages";
import type { Speech } from "./speech";

const ICONS: Readonly<Record<StandingKind, IconName>> = {
  ready: "check",
  keptIn: "pin",
  trial: "again",
  loading: "loading",
  limited: "clock",
  quotaSpent: "clock",
  down: "slash",
  slow: "clock",
  signedOut: "key",
  notLent: "circle",
  refused: "key",
  blocked: "slash",
  notSetUp: "circle",
  keptOut: "pin",
  notLocal: "lock",
  capReached: "slash",
};

const QUIET: readonly StandingKind[] = ["notSetUp", "notLent", "notLocal"];
const GOOD: readonly StandingKind[] = ["ready", "keptIn"];
const WAITING: readonly StandingKind[] = ["trial", "loading"];

/** Lay them out. */
export function cardList(cards: readonly Card[], speech: Speech, post: (message: ToHost) => void): HTMLElement {
  const { strings } = speech;
  const list = cards.map((card, index) => cardOf(card, index + 1, speech, post));
  return h("section.providers", { "aria-label": strings.providers }, h("ol.cards", {}, ...list));
}

function cardOf(card: Card, place: number, { strings }: Speech, post: (message: ToHost) => void): HTMLElement {
  const now = card.isAnswerer ? h("span.now", {}, strings.answersNow) : null;
  return h(
    `li.card.${toneOf(card.kind)}${card.isAnswerer ? ".answerer" : ""}` as "li",
    { "data-provider": card.provider },
    h(
      "div.line",
      {},
      h("span.place", { "aria-hidden": "true" }, String(place)),
      h("strong.name", {}, card.name),
      card.model === "" ? null : h("span.model", { title: card.model }, card.model),
    ),
    h("div.state", {}, icon(ICONS[card.kind]), h("span.word", {}, card.word), now),
    card.detail === "" ? null : h("p.detail", {}, card.detail),
    h(
      "div.offers",
      {},
      ...card.offers.map((offer) => offerButton(offer, post, `${card.provider} ${offer.command}`, card.name)),
    ),
  );
}

/** A link that runs a command; its name says about whom it is, where several look the same. */
export function offerButton(offer: Offer, post: (message: ToHost) => void, key: string, about?: string): HTMLElement {
  const { label, command, argument } = offer;
  const onclick = () => post({ kind: "run", command, ...(argument === undefined ? {} : { argument }) });
  const name = about === undefined ? undefined : `${label}: ${about}`;
  return h("button.link", { type: "button", "data-key": key, "aria-label": name, onclick }, label);
}

function toneOf(kind: StandingKind): "good" | "waiting" | "bad" | "quiet" {
  if (GOOD.includes(kind)) return "good";
  if (WAITING.includes(kind)) return "waiting";
  return QUIET.includes(kind) ? "quiet" : "bad";
}
