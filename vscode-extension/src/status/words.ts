/** What the status bar says: the circuit at a glance. */

import type { Localizer, Manner } from "../manner";
import type { ServerState } from "../server/gateway";
import { hoverAboutCircuit, hoverAboutServer } from "./hover";
import { nameOf } from "./names";
import {
  answererOf,
  iconOf,
  missedBefore,
  type Received,
  type Standing,
  standingInWords,
  standingsOf,
} from "./standing";

/** All that the status bar speaks of. */
export interface Outlook {
  readonly server: ServerState;
  /** Since when the server is so. */
  readonly since: Date;
  /** Undefined while nothing is known. */
  readonly received: Received | undefined;
}

export interface BarWords {
  readonly text: string;
  readonly accessibleName: string;
  readonly background: "error" | "warning" | undefined;
  /** Markdown, with links to commands. */
  readonly tooltip: string;
}

interface Glance {
  readonly icon: string;
  /** As a sentence that goes on after the product's name. */
  readonly told: string;
  /** What stands in the bar; without it, the product's name and what is told. */
  readonly words?: string;
  readonly background?: "error" | "warning";
}

const LONGEST_NAME = 20;

/** Say how things are. Nothing that was true before the server stopped is said after it. */
export function barWords(outlook: Outlook, manner: Manner): BarWords {
  const { server, received, since } = outlook;
  if (server.kind !== "running") {
    return inBar(ofServer(server, manner), false, hoverAboutServer(server, since, manner), manner);
  }
  if (received === undefined || received.summary.status === "starting") {
    const starting = { kind: "starting" } as const;
    return inBar(ofServer(starting, manner), server.simulated, hoverAboutServer(starting, since, manner), manner);
  }
  const standings = standingsOf(received);
  const glance = received.summary.private ? privately(standings, manner) : openly(standings, manner);
  return inBar(glance, server.simulated, hoverAboutCircuit(received, server.simulated, manner), manner);
}

function inBar(glance: Glance, isSimulated: boolean, tooltip: string, { l10n }: Manner): BarWords {
  const { icon, told, background } = glance;
  const simulation = l10n.t("Simulation");
  const words = glance.words ?? (isSimulated ? told : `AI Gateway: ${told}`);
  return {
    text: `${isSimulated ? `$(beaker) ${simulation} · ` : ""}$(${icon}) ${withoutIcons(words)}`,
    accessibleName: `AI Gateway${isSimulated ? `, ${simulation}` : ""}: ${told}`,
    background,
    tooltip,
  };
}

function ofServer(server: Exclude<ServerState, { kind: "running" }>, { l10n }: Manner): Glance {
  switch (server.kind) {
    case "starting":
      return { icon: "loading~spin", told: l10n.t("starting") };
    case "stopped":
      return { icon: "circle-outline", told: l10n.t("stopped") };
    case "noPython":
      return { icon: "error", told: l10n.t("no Python"), background: "error" };
    case "wrongCommand":
      return { icon: "error", told: l10n.t("wrong command"), background: "error" };
    case "crashed":
      return { icon: "error", told: l10n.t("crashed"), background: "error" };
  }
}

function openly(standings: readonly Standing[], manner: Manner): Glance {
  const answerer = answererOf(standings);
  const missed = missedBefore(answerer, standings);
  if (answerer === undefined) return nobody(missed, manner);
  return missed === undefined ? first(answerer, manner) : failedOver(answerer, missed, manner);
}

function first(answerer: Standing, manner: Manner): Glance {
  const { l10n } = manner;
  const who = shortName(answerer, l10n);
  if (answerer.kind === "ready") return { icon: "check", words: who, told: l10n.t("{0} would answer", who) };
  if (answerer.kind === "loading")
    return { icon: "loading~spin", words: loading(answerer, manner), told: loading(answerer, manner) };
  const words = `${who} (${standingInWords(answerer, manner)})`;
  return { icon: iconOf(answerer.kind), words, told: words };
}

function failedOver(answerer: Standing, missed: Standing, manner: Manner): Glance {
  const { l10n } = manner;
  const [who, whom, how] = [shortName(answerer, l10n), shortName(missed, l10n), standingInWords(missed, manner)];
  const isLoading = answerer.kind === "loading";
  const does = isLoading ? loading(answerer, manner) : l10n.t("{0} would answer", who);
  const icon = isLoading ? "loading~spin" : missed.kind === "signedOut" ? "key" : "arrow-swap";
  return {
    icon,
    words: `${isLoading ? does : who} (${whom} ${how})`,
    told: l10n.t("{0}. {1}: {2}", does, whom, how),
  };
}

function privately(standings: readonly Standing[], manner: Manner): Glance {
  const { l10n } = manner;
  const answerer = answererOf(standings);
  if (answerer === undefined) {
    const words = l10n.t("Local only: nobody can answer");
    return { icon: "circle-slash", words, told: words, background: "warning" };
  }
  const how = answerer.kind === "ready" ? "" : ` (${standingInWords(answerer, manner)})`;
  const words = l10n.t("Local only: {0}", shortName(answerer, l10n) + how);
  return { icon: "lock", words, told: words };
}

function nobody(missed: Standing | undefined, { l10n }: Manner): Glance {
  return missed?.kind === "signedOut"
    ? { icon: "key", told: l10n.t("signed out"), background: "warning" }
    : { icon: "circle-slash", told: l10n.t("nobody can answer"), background: "error" };
}

const loading = ({ provider }: Standing, { l10n }: Manner): string =>
  l10n.t("{0} loading", shortened(provider.model ?? nameOf(provider.name, l10n)));

const shortName = ({ provider }: Standing, l10n: Localizer): string => shortened(nameOf(provider.name, l10n));

const shortened = (name: string): string => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name);

/** A name may hold what the bar would take for an icon. */
const withoutIcons = (words: string): string => words.replaceAll("$(", "$\u200b(");
