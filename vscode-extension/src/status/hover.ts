/** What the status bar's hover says: each provider in a line, what has been spent, and what can be done. */

import type { Manner } from "../manner";
import { commandLink, plain, rows } from "../markdown";
import { usdInWords } from "../money";
import type { ServerState } from "../server/gateway";
import { nameOf } from "./names";
import {
  answererOf,
  canBeReset,
  detailOf,
  iconOf,
  isListed,
  type Received,
  type Standing,
  standingInWords,
  standingsOf,
} from "./standing";
import { clockTime } from "./times";

/** The commands that the hover links to. */
export const LINKED_COMMANDS = [
  "aiGateway.signIn",
  "aiGateway.setKey",
  "aiGateway.reset",
  "aiGateway.explainLast",
  "aiGateway.showDashboard",
  "aiGateway.togglePrivate",
  "aiGateway.endSimulation",
  "aiGateway.openSettings",
  "aiGateway.restart",
  "aiGateway.showLog",
] as const;

const MOST_PROBLEMS = 3;

/** Tell how the server is, while that is all that is known. */
export function hoverAboutServer(
  server: Exclude<ServerState, { kind: "running" }>,
  since: Date,
  { l10n, locale }: Manner,
): string {
  const log = commandLink(l10n.t("Show the log"), "aiGateway.showLog");
  const restart = commandLink(l10n.t("Restart"), "aiGateway.restart");
  switch (server.kind) {
    case "starting":
      return inParts(l10n.t("Starting since {0}.", clockTime(since, locale, { withSeconds: true })), log);
    case "stopped":
      return inParts(l10n.t("The server does not run."), inLine(restart, log));
    case "noPython":
    case "wrongCommand":
      return inParts(
        plain(server.reason),
        inLine(commandLink(l10n.t("Settings"), "aiGateway.openSettings"), restart, log),
      );
    case "crashed":
      return inParts(plain(server.reason), inLine(restart, log));
  }
}

/** Tell all that is known of the circuit. */
export function hoverAboutCircuit(received: Received, isSimulated: boolean, manner: Manner): string {
  const { summary } = received;
  const standings = standingsOf(received);
  const answerer = answererOf(standings);
  return inParts(
    headline(answerer, summary.private, manner),
    rows(standings.filter(isListed).map((standing) => row(standing, standing === answerer, manner))),
    ...standings.filter((standing) => !isListed(standing)).map((standing) => aside(standing, manner)),
    problems(summary.problems, manner),
    spending(summary.spent_today_usd, summary.daily_cap_usd, manner),
    links(standings, isSimulated, summary.private, manner),
  );
}

function headline(answerer: Standing | undefined, isPrivate: boolean, { l10n }: Manner): string {
  if (answerer === undefined) return `**${l10n.t("Nobody can answer now")}**`;
  const who = plain(nameOf(answerer.provider.name, l10n));
  if (isPrivate) return `**${l10n.t("{0} would answer now, and nothing leaves this machine", who)}**`;
  return `**${l10n.t("{0} would answer now", who)}**`;
}

function row(standing: Standing, isAnswerer: boolean, manner: Manner): string[] {
  const { provider, kind } = standing;
  const name = plain(nameOf(provider.name, manner.l10n));
  const emergency = provider.is_emergency ? `, ${manner.l10n.t("for emergencies")}` : "";
  return [
    `$(${iconOf(kind)})`, // by itself, for a line may break after an icon
    unbroken(isAnswerer ? `**${name}**` : name),
    plain(unbroken(provider.model ?? "").replaceAll("-", "\u2011")),
    inLine(unbroken(standingInWords(standing, manner) + emergency), ...more(standing, manner)),
  ];
}

/** Say in a quiet line why somebody lends nothing. */
function aside(standing: Standing, manner: Manner): string {
  const name = plain(nameOf(standing.provider.name, manner.l10n));
  const words = joined(": ")(`${name} ${standingInWords(standing, manner)}`, plain(standing.provider.hint ?? ""));
  return `<span style="color:var(--vscode-descriptionForeground);">${words}</span>`;
}

/** Keep what is short in one line, so that the table's last column has the room. */
const unbroken = (text: string): string => text.replaceAll(" ", "\u00a0");

/** Say why it is so, or what a person can do about it. */
function more(standing: Standing, manner: Manner): string[] {
  const { l10n } = manner;
  if (standing.kind === "notLocal") return []; // as the headline says
  if (standing.kind === "signedOut") return [commandLink(l10n.t("Sign in"), "aiGateway.signIn")];
  return [plain(detailOf(standing, l10n)), resetLink(standing, manner)];
}

const resetLink = (standing: Standing, { l10n }: Manner): string =>
  canBeReset(standing) ? commandLink(l10n.t("Reset"), "aiGateway.reset", standing.provider.name) : "";

function problems(told: readonly string[], { l10n }: Manner): string {
  const more = told.length - MOST_PROBLEMS;
  return [
    ...told.slice(0, MOST_PROBLEMS).map((problem) => `- $(warning) ${plain(problem)}`),
    ...(more > 0 ? [`- ${l10n.t("and {0} more", more)}`] : []),
  ].join("\n");
}

function spending(spent: number | null, cap: number | null, { l10n, locale }: Manner): string {
  if (cap !== null) return l10n.t("Spent today: {0} of {1}", usdInWords(spent ?? 0, locale), usdInWords(cap, locale));
  return spent ? l10n.t("Spent today: {0}", usdInWords(spent, locale)) : "";
}

function links(standings: readonly Standing[], isSimulated: boolean, isPrivate: boolean, { l10n }: Manner): string {
  const isSignedOut = standings.some(({ kind }) => kind === "signedOut");
  return inLine(
    isSimulated ? commandLink(l10n.t("End the simulation"), "aiGateway.endSimulation") : "",
    isSignedOut ? commandLink(l10n.t("Sign in"), "aiGateway.signIn") : "",
    standings.filter(canBeReset).length > 1 ? commandLink(l10n.t("Reset…"), "aiGateway.reset") : "",
    commandLink(l10n.t("Explain the last answer"), "aiGateway.explainLast"),
    commandLink(isPrivate ? l10n.t("End private mode") : l10n.t("Private mode"), "aiGateway.togglePrivate"),
    commandLink(l10n.t("Dashboard"), "aiGateway.showDashboard"),
    commandLink(l10n.t("Settings"), "aiGateway.openSettings"),
  );
}

const joined =
  (by: string) =>
  (...parts: readonly string[]): string =>
    parts.filter((part) => part !== "").join(by);
const inParts = joined("\n\n");
const inLine = joined(" · ");
