/** What the answer view and the extension say to each other. Sentences are put together in the extension. */

import type { Backend } from "../../generated/messages";
import type { IconName } from "../shared/icons";

/** Who answers. */
export interface By {
  readonly provider: string;
  /** The provider's name for a person. */
  readonly name: string;
  readonly backend: Backend;
  readonly model: string | null;
}

/** A piece of code that a question is about. */
export interface Chip {
  /** Short: `shop.py:3-9`. */
  readonly label: string;
  readonly title: string;
}

/** Text that was shown, and then taken back. */
export interface Seam {
  readonly said: string;
  readonly text: string;
}

/** A button that runs one of the extension's commands. */
export interface Offer {
  readonly label: string;
  readonly icon: IconName;
  readonly command: string;
  readonly argument?: unknown;
}

/** Why one tier did not answer. */
export interface TierReason {
  readonly name: string;
  readonly backend: Backend;
  readonly said: string;
  /** What to do about it. */
  readonly hint: string | null;
}

/** How an answer came about. */
export interface Provenance {
  readonly byline: string;
  /** What is unusual about it, in a few words each. */
  readonly marks: readonly string[];
  readonly notes: readonly string[];
}

export interface FailureView {
  readonly message: string;
  readonly reasons: readonly TierReason[];
  /** What else is to be said, a sentence each. */
  readonly notes: readonly string[];
  readonly offers: readonly Offer[];
}

/** `waiting`: nobody has said anything yet. */
export type Phase = "waiting" | "streaming" | "answered" | "stopped" | "failed";

/** One question and what came of it. */
export interface TurnView {
  readonly id: number;
  readonly question: string;
  readonly about: Chip | null;
  readonly isPrivate: boolean;
  readonly canApply: boolean;
  readonly phase: Phase;
  /** Milliseconds since the epoch. */
  readonly askedAt: number;
  readonly waiting: string;
  readonly by: By | null;
  readonly seams: readonly Seam[];
  readonly text: string;
  readonly provenance: Provenance | null;
  readonly failure: FailureView | null;
  readonly hasTrace: boolean;
}

/** How one provider stands. */
export interface Standing {
  readonly name: string;
  readonly backend: Backend;
  readonly said: string;
  readonly tone: "ready" | "waiting" | "off";
}

/** Something that is true of the whole view, with what can be done about it. */
export interface Banner {
  readonly text: string;
  readonly offers: readonly BannerOffer[];
}

export interface BannerOffer {
  readonly label: string;
  readonly command: string;
  readonly argument?: unknown;
  /** Whether what it switches is on; absent if it is no switch. */
  readonly isOn?: boolean;
}

/** What the place to type in shows. */
export interface ComposerView {
  readonly chip: Chip | null;
  /** What could become the chip. */
  readonly attachable: Chip | null;
  readonly isPrivate: boolean;
  /** Private by a setting, so that the conversation can't be otherwise. */
  readonly isAlwaysPrivate: boolean;
}

export interface ViewState {
  readonly strings: Strings;
  readonly turns: readonly TurnView[];
  readonly composer: ComposerView;
  readonly draft: string;
  readonly banner: Banner | null;
  readonly standings: readonly Standing[];
  /** Earlier questions, oldest first. */
  readonly asked: readonly string[];
}

export type ToView =
  | { readonly kind: "state"; readonly state: ViewState }
  | { readonly kind: "turn"; readonly turn: TurnView }
  | { readonly kind: "delta"; readonly id: number; readonly text: string }
  | { readonly kind: "composer"; readonly composer: ComposerView }
  | { readonly kind: "standings"; readonly standings: readonly Standing[] }
  | { readonly kind: "banner"; readonly banner: Banner | null }
  | { readonly kind: "focus" }
  | { readonly kind: "announce"; readonly text: string }
  | { readonly kind: "notice"; readonly text: string };

export type ToHost =
  | { readonly kind: "ready" }
  | { readonly kind: "ask"; readonly question: string }
  | { readonly kind: "stop" }
  | { readonly kind: "leave" }
  | { readonly kind: "again"; readonly id: number; readonly isFresh: boolean }
  | { readonly kind: "trace"; readonly id: number; readonly sent: boolean }
  | { readonly kind: "show"; readonly id: number }
  | { readonly kind: "open"; readonly href: string }
  | { readonly kind: "copy"; readonly text: string }
  | { readonly kind: "insert"; readonly text: string }
  | { readonly kind: "apply"; readonly id: number; readonly text: string }
  | { readonly kind: "newFile"; readonly text: string; readonly language: string }
  | { readonly kind: "run"; readonly command: string; readonly argument?: unknown }
  | { readonly kind: "private"; readonly isOn: boolean }
  | { readonly kind: "attach" }
  | { readonly kind: "detach" }
  | { readonly kind: "draft"; readonly text: string };

/** The view's own words. */
export interface Strings {
  readonly title: string;
  readonly intro: string;
  readonly keys: string;
  readonly examples: readonly string[];
  readonly examplesLabel: string;
  readonly providers: string;
  readonly conversation: string;
  readonly question: string;
  readonly answer: string;
  readonly answerBy: string;
  readonly input: string;
  readonly placeholder: string;
  readonly followUp: string;
  readonly send: string;
  readonly stop: string;
  readonly elapsed: string;
  readonly attach: string;
  readonly detach: string;
  readonly showCode: string;
  readonly makePrivate: string;
  readonly isPrivate: string;
  readonly isPrivateTitle: string;
  readonly isAlwaysPrivate: string;
  readonly toEnd: string;
  readonly code: string;
  readonly plainCode: string;
  readonly copy: string;
  readonly copied: string;
  readonly insert: string;
  readonly apply: string;
  readonly newFile: string;
  readonly explain: string;
  readonly sent: string;
  readonly again: string;
  readonly retry: string;
  readonly stopped: string;
  readonly failed: string;
  readonly dismiss: string;
  readonly backends: { readonly [backend in Backend]: string };
}
