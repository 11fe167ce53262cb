/** The answer view's own words. */

import type { Localizer } from "../manner";
import type { Strings } from "../webview/answer/messages";

export function strings(l10n: Localizer, isMac: boolean): Strings {
  return { ...ofWelcome(l10n, isMac), ...ofComposer(l10n), ...ofTurn(l10n), ...ofCode(l10n) };
}

const ofWelcome = (l10n: Localizer, isMac: boolean) => ({
  title: l10n.t("Ask about your code"),
  intro: l10n.t("Copilot answers; if it can't, a cloud model does, or a model on this machine."),
  keys: l10n.t("{0} asks about what you have selected.", isMac ? "⌘⌥G" : "Ctrl+Alt+G"),
  examples: [
    l10n.t("What does this code do?"),
    l10n.t("What could go wrong here?"),
    l10n.t("How would you make this simpler?"),
  ],
  examplesLabel: l10n.t("Questions to begin with"),
  providers: l10n.t("Providers, in the order of asking"),
  conversation: l10n.t("Conversation"),
  dismiss: l10n.t("Dismiss"),
});

const ofComposer = (l10n: Localizer) => ({
  input: l10n.t("Question"),
  placeholder: l10n.t("Ask a question"),
  followUp: l10n.t("Ask a follow-up question"),
  send: l10n.t("Send (Enter)"),
  stop: l10n.t("Stop (Escape)"),
  attach: l10n.t("Add code to the question"),
  detach: l10n.t("Remove code from the question"),
  makePrivate: l10n.t("Ask only local models"),
  isPrivate: l10n.t("Private"),
  isPrivateTitle: l10n.t("Private: only models on this machine are asked in this conversation"),
  isAlwaysPrivate: l10n.t("Private: the settings let only models on this machine be asked"),
  toEnd: l10n.t("Jump to the end"),
});

const ofTurn = (l10n: Localizer) => ({
  question: l10n.t("Question"),
  answer: l10n.t("Answer"),
  answerBy: l10n.t("Answer by"),
  elapsed: l10n.t("{0} s"),
  showCode: l10n.t("Show the code"),
  explain: l10n.t("Explain"),
  sent: l10n.t("What was sent"),
  again: l10n.t("Ask again"),
  retry: l10n.t("Try again"),
  stopped: l10n.t("Stopped by you"),
  failed: l10n.t("No answer"),
  backends: { copilot: "Copilot", cloud: l10n.t("Cloud"), local: l10n.t("Local") },
});

const ofCode = (l10n: Localizer) => ({
  code: l10n.t("Code in {0}"),
  plainCode: l10n.t("Code"),
  copy: l10n.t("Copy"),
  copied: l10n.t("Copied"),
  insert: l10n.t("Insert at the cursor"),
  apply: l10n.t("Apply… (with a preview)"),
  newFile: l10n.t("Open as a new file"),
});
