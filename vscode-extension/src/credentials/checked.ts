/** What came of the check of a credential, in words. */

import type { HealthSummary } from "../generated/messages";
import type { Localizer } from "../manner";

export interface Verdict {
  readonly level: "good" | "bad" | "idle";
  readonly words: string;
}

/** Judge a provider by what `ai/health` has found with `probe`. */
export function verdictOn(
  provider: string,
  title: string,
  health: Pick<HealthSummary, "providers">,
  l10n: Localizer,
): Verdict {
  const found = health.providers.find(({ name }) => name === provider);
  if (found === undefined) {
    const order = health.providers.map(({ name }) => name).join(", ");
    return { level: "idle", words: l10n.t("Kept, but {0} is not asked. Asked are, in this order: {1}.", title, order) };
  }
  if (found.reachable === true) return { level: "good", words: l10n.t("{0} answers, and accepts it.", title) };
  const reasons = [found.last_error ?? found.reason, found.hint].filter((reason) => reason !== null);
  return { level: "bad", words: l10n.t("{0} can't be used yet: {1}.", title, reasons.join("; ") || "?") };
}
