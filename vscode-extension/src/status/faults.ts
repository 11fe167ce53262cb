/** The faults that can be rehearsed, in words. */

import type { DrillParams } from "../generated/messages";
import type { Localizer } from "../manner";

export type FaultName = DrillParams["fault"];

/** What each does to every request, the likeliest first. */
export function faults(l10n: Localizer): Readonly<Record<FaultName, string>> {
  return {
    refuse: l10n.t("Nobody listens: every connection is refused"),
    "rate-limit": l10n.t("It wants no more requests, and says for how long"),
    quota: l10n.t("The quota or the credit is spent"),
    auth: l10n.t("The credential is refused"),
    overloaded: l10n.t("It is overloaded"),
    "server-error": l10n.t("It has a fault of its own"),
    hang: l10n.t("A request is read and never answered"),
    cut: l10n.t("An answer begins, and its connection closes"),
    stall: l10n.t("An answer begins, and falls silent"),
    "slow-first-token": l10n.t("The answer's headers come at once, and then not a word"),
    reset: l10n.t("The connection is reset before a byte of the answer"),
    garbage: l10n.t("The answer can't be decoded"),
    empty: l10n.t("The answer ends well, and holds not a word"),
    "error-200": l10n.t("A success by its status, an error by its body"),
    "html-502": l10n.t("A proxy on the way answers with a page of HTML"),
    "rate-limit-unnamed": l10n.t("It wants no more requests, and names no time"),
    blocked: l10n.t("The credential is good, but the account may not use it"),
    "model-not-found": l10n.t("The model is not known"),
    "context-too-long": l10n.t("Every prompt is called too long"),
    "content-filter": l10n.t("Every prompt is refused for its content"),
  };
}
