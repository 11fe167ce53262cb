/** What the dashboard shows, made of what the server says. */

import type { Localizer, Manner } from "../manner";
import { usdInWords } from "../money";
import type { ServerState } from "../server/gateway";
import { nameOf } from "../status/names";
import {
  answererOf,
  canBeReset,
  detailOf,
  isListed,
  type Received,
  type Standing,
  standingInWords,
  standingsOf,
} from "../status/standing";
import { clockTime } from "../status/times";
import type { Away, Card, Offer, Overview, Past } from "../webview/dashboard/messages";

/** Say how things are while the server runs. */
export function overviewOf(received: Received, isSimulated: boolean, past: Past | undefined, manner: Manner): Overview {
  const { summary } = received;
  const { l10n } = manner;
  const standings = standingsOf(received);
  const answerer = answererOf(standings);
  return {
    headline: headline(answerer, manner),
    isPrivate: summary.private,
    isSimulated,
    cards: standings
      .filter((standing) => isListed(standing) || wasUsed(standing, past))
      .map((standing) => cardOf(standing, standing === answerer, manner)),
    problems: summary.problems,
    spentToday: spentToday(summary.spent_today_usd, summary.daily_cap_usd, manner),
    names: namesIn(standings, past, l10n),
    past,
  };
}

/** Say why there is nothing to show. */
export function awayOf(server: ServerState, since: Date, { l10n, locale }: Manner): Away {
  const restart = { label: l10n.t("Restart the Server"), command: "aiGateway.restart" };
  const log = { label: l10n.t("Show the Log"), command: "aiGateway.showLog" };
  const settings = { label: l10n.t("Open Settings"), command: "aiGateway.openSettings" };
  switch (server.kind) {
    case "stopped":
      return {
        title: l10n.t("The server does not run"),
        detail: l10n.t("It starts with the first question, or at once if you restart it."),
        isStarting: false,
        offers: [restart, log],
      };
    case "noPython":
      return {
        title: l10n.t("There is no Python to run it"),
        detail: server.reason,
        isStarting: false,
        offers: [settings, restart, log],
      };
    case "wrongCommand":
      return {
        title: l10n.t("The command of the settings can't be run"),
        detail: server.reason,
        isStarting: false,
        offers: [settings, restart, log],
      };
    case "crashed":
      return { title: l10n.t("The server crashed"), detail: server.reason, isStarting: false, offers: [restart, log] };
    default: {
      const at = clockTime(since, locale, { withSeconds: true });
      return { title: l10n.t("Starting"), detail: l10n.t("Since {0}", at), isStarting: true, offers: [log] };
    }
  }
}

function headline(answerer: Standing | undefined, { l10n }: Manner): string {
  if (answerer === undefined) return l10n.t("Nobody can answer now");
  return l10n.t("{0} would answer now", nameOf(answerer.provider.name, l10n));
}

/** Who has answered before is missed. */
function wasUsed({ provider }: Standing, past: Past | undefined): boolean {
  return past?.history.days.some((day) => day.provider === provider.name && day.queries > 0) ?? false;
}

function cardOf(standing: Standing, isAnswerer: boolean, manner: Manner): Card {
  const { provider, kind } = standing;
  return {
    provider: provider.name,
    name: nameOf(provider.name, manner.l10n),
    model: provider.model ?? "",
    kind,
    word: standingInWords(standing, manner),
    detail: detailOf(standing, manner.l10n) || emergency(standing, manner.l10n),
    isAnswerer,
    offers: offersOf(standing, manner),
  };
}

const emergency = ({ provider }: Standing, l10n: Localizer): string =>
  provider.is_emergency ? l10n.t("asked only in emergencies") : "";

function offersOf(standing: Standing, { l10n }: Manner): Offer[] {
  const { kind, provider } = standing;
  const argument = provider.name;
  const signIn = { label: l10n.t("Sign In"), command: "aiGateway.signIn" };
  const setKey = { label: l10n.t("Enter a Key"), command: "aiGateway.setKey", argument };
  const reset = { label: l10n.t("Reset"), command: "aiGateway.reset", argument };
  const keep = { label: l10n.t("Keep Out or In…"), command: "aiGateway.forceTier", argument };
  if (kind === "signedOut") return [signIn];
  if (kind === "notLent") return [];
  if (kind === "notSetUp") return provider.backend === "cloud" ? [setKey] : [];
  return [
    ...(canBeReset(standing) ? [reset] : []),
    ...(kind === "refused" && provider.backend === "cloud" ? [setKey] : []),
    keep,
  ];
}

function spentToday(spent: number | null, cap: number | null, { l10n, locale }: Manner): string | null {
  if (cap !== null) return l10n.t("{0} of {1}", usdInWords(spent ?? 0, locale), usdInWords(cap, locale));
  return spent ? usdInWords(spent, locale) : null;
}

/** Those that were asked in the past may not be set up any more. */
function namesIn(standings: readonly Standing[], past: Past | undefined, l10n: Localizer): Record<string, string> {
  const { queries = [], days = [], transitions = [] } = past?.history ?? {};
  const known = [
    ...standings.map(({ provider }) => provider.name),
    ...[...days, ...transitions].map(({ provider }) => provider),
    ...queries.flatMap(({ provider, attempts }) => [provider ?? "", ...attempts.map((attempt) => attempt.provider)]),
  ];
  return Object.fromEntries([...new Set(known)].map((provider) => [provider, nameOf(provider, l10n)]));
}
