/** What the dashboard and the extension say to each other. */

import type { HistoryResult, MetricsResult } from "../../generated/messages";
import type { StandingKind } from "../../status/standing";

/** Something that a person can do, and the command that does it. */
export interface Offer {
  readonly label: string;
  readonly command: string;
  readonly argument?: string;
}

/** A provider, in words. */
export interface Card {
  readonly provider: string;
  readonly name: string;
  readonly model: string;
  readonly kind: StandingKind;
  /** Such as "limited until 14:05". */
  readonly word: string;
  /** Why, or what to do. */
  readonly detail: string;
  readonly isAnswerer: boolean;
  readonly offers: readonly Offer[];
}

/** What was, for the pictures. */
export interface Past {
  readonly history: HistoryResult;
  readonly metrics: Pick<MetricsResult, "providers">;
}

export interface Overview {
  readonly headline: string;
  readonly isPrivate: boolean;
  readonly isSimulated: boolean;
  readonly cards: readonly Card[];
  readonly problems: readonly string[];
  /** "$0.12 of $2.50"; null where nobody keeps count. */
  readonly spentToday: string | null;
  /** Names of all providers in it, by what the server calls them. */
  readonly names: Readonly<Record<string, string>>;
  /** Undefined until it has come. */
  readonly past: Past | undefined;
}

/** The server does not run, or not yet. */
export interface Away {
  readonly title: string;
  readonly detail: string;
  readonly isStarting: boolean;
  readonly offers: readonly Offer[];
}

export type ToView =
  | {
      readonly kind: "begin";
      readonly strings: Strings;
      readonly reasons: Readonly<Record<string, string>>;
      readonly locale: string;
    }
  | { readonly kind: "away"; readonly away: Away }
  | { readonly kind: "overview"; readonly overview: Overview }
  | { readonly kind: "problem"; readonly text: string };

export type ToHost =
  | { readonly kind: "ready" }
  | { readonly kind: "run"; readonly command: string; readonly argument?: string }
  | { readonly kind: "explain"; readonly queryId: string };

/** All that the page says by itself; `{0}` and so on stand for values. */
export interface Strings {
  readonly providers: string;
  readonly answersNow: string;
  readonly simulation: string;
  readonly today: string;
  readonly queries: string;
  readonly tokens: string;
  readonly cost: string;
  readonly queriesToday: string;
  readonly tokensToday: string;
  readonly spentToday: string;
  readonly lastQueries: string;
  readonly noQueries: string;
  readonly ask: string;
  readonly circuits: string;
  readonly lastDay: string;
  readonly closed: string;
  readonly halfOpen: string;
  readonly open: string;
  readonly stretch: string;
  readonly latency: string;
  readonly latencyNote: string;
  readonly firstToken: string;
  readonly wholeAnswer: string;
  readonly rangeLegend: string;
  readonly range: string;
  readonly rangeWithSlowest: string;
  readonly noLatency: string;
  readonly use: string;
  readonly lastDays: string;
  readonly noUse: string;
  readonly chart: string;
  readonly table: string;
  readonly day: string;
  readonly total: string;
  readonly cache: string;
  readonly cacheDay: string;
  readonly noCache: string;
  readonly hits: string;
  readonly nobody: string;
  readonly fromCache: string;
  readonly isPrivate: string;
  readonly cancelled: string;
  readonly refused: string;
  readonly skipped: string;
  readonly answered: string;
  readonly left: string;
  readonly rehearsal: string;
  readonly trace: string;
  readonly tokensOf: string;
  readonly firstTokenAfter: string;
  readonly free: string;
  readonly costUnknown: string;
  readonly loading: string;
  readonly more: string;
}
