/** What a person can do now, the most useful first: what a click on the status bar offers. */

import type { Manner } from "../manner";
import { nameOf } from "./names";
import { canBeReset, iconOf, type Received, type Standing, standingInWords, standingsOf } from "./standing";
import type { Outlook } from "./words";

export interface MenuEntry {
  readonly label: string;
  /** A codicon. */
  readonly icon: string;
  readonly description?: string;
  readonly command: string;
  readonly given?: readonly unknown[];
}

export interface MenuGroup {
  readonly title: string;
  readonly entries: readonly MenuEntry[];
}

/** List what can be done, in groups. */
export function menuOf(outlook: Outlook, manner: Manner): MenuGroup[] {
  const { server, received } = outlook;
  if (server.kind !== "running") return [ofServer(server.kind !== "starting", manner)];
  const standings = received === undefined ? [] : standingsOf(received);
  const groups = [
    ofTrouble(standings, server.simulated, manner),
    ofAnswers(manner),
    ofCircuit(received, manner),
    ofServer(false, manner),
  ];
  return groups.filter((group) => group.entries.length > 0);
}

function ofTrouble(standings: readonly Standing[], isSimulated: boolean, manner: Manner): MenuGroup {
  const { l10n } = manner;
  const held = standings.filter(canBeReset);
  const signIn = { label: l10n.t("Sign in to GitHub Copilot"), icon: "key", command: "aiGateway.signIn" };
  const end = { label: l10n.t("End the simulation"), icon: "debug-stop", command: "aiGateway.endSimulation" };
  const resets = held.map((standing) => ({
    label: l10n.t("Reset {0}", nameOf(standing.provider.name, l10n)),
    icon: iconOf(standing.kind),
    description: standingInWords(standing, manner),
    command: "aiGateway.reset",
    given: [standing.provider.name],
  }));
  const isSignedOut = standings.some(({ kind }) => kind === "signedOut");
  const entries = [...(isSimulated ? [end] : []), ...(isSignedOut ? [signIn] : []), ...resets];
  return { title: l10n.t("Needs attention"), entries };
}

function ofAnswers({ l10n }: Manner): MenuGroup {
  return {
    title: l10n.t("Answers"),
    entries: [
      { label: l10n.t("Ask…"), icon: "comment-discussion", command: "aiGateway.ask" },
      { label: l10n.t("Explain the last answer"), icon: "question", command: "aiGateway.explainLast" },
      { label: l10n.t("Show the dashboard"), icon: "graph", command: "aiGateway.showDashboard" },
    ],
  };
}

function ofCircuit(received: Received | undefined, { l10n }: Manner): MenuGroup {
  const isPrivate = received?.summary.private === true;
  const toggle = isPrivate ? l10n.t("End private mode") : l10n.t("Private mode: local models only");
  return {
    title: l10n.t("Circuit"),
    entries: [
      { label: toggle, icon: isPrivate ? "unlock" : "lock", command: "aiGateway.togglePrivate" },
      { label: l10n.t("Check all providers"), icon: "pulse", command: "aiGateway.health" },
      { label: l10n.t("Keep a provider out or in…"), icon: "pinned", command: "aiGateway.forceTier" },
      { label: l10n.t("Rehearse an outage…"), icon: "flame", command: "aiGateway.drill" },
    ],
  };
}

function ofServer(isFirst: boolean, { l10n }: Manner): MenuGroup {
  const restart = { label: l10n.t("Restart the server"), icon: "debug-restart", command: "aiGateway.restart" };
  const log = { label: l10n.t("Show the log"), icon: "output", command: "aiGateway.showLog" };
  const settings = { label: l10n.t("Settings"), icon: "settings-gear", command: "aiGateway.openSettings" };
  return { title: l10n.t("Server"), entries: isFirst ? [restart, log, settings] : [settings, log, restart] };
}
