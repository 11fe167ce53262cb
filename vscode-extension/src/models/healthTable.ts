/** How every provider is, as a table in Markdown: in the words of the status bar's hover. */

import type { HealthSummary } from "../generated/messages";
import type { Manner } from "../manner";
import { plain } from "../markdown";
import { nameOf } from "../status/names";
import { detailOf, isListed, type Standing, standingInWords, standingsOf } from "../status/standing";

/** Lay it out, of providers that were just asked how they are. */
export function healthTable(summary: HealthSummary, manner: Manner): string {
  const { l10n } = manner;
  const head = [l10n.t("Provider"), l10n.t("Model"), l10n.t("State")];
  const listed = standingsOf({ summary, at: manner.now }).filter(isListed);
  const rows = listed.map((standing) => cells(standing, manner).map(plain));
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function cells(standing: Standing, manner: Manner): string[] {
  const { name, model } = standing.provider;
  return [nameOf(name, manner.l10n), model ?? "", stateOf(standing, manner).filter(Boolean).join(" · ")];
}

/** Whose circuit is closed may be unreachable all the same: nobody has asked it yet. */
function stateOf(standing: Standing, manner: Manner): string[] {
  const { provider, mayAnswer } = standing;
  return mayAnswer && provider.reachable === false
    ? [manner.l10n.t("can't be reached"), provider.hint ?? ""]
    : [standingInWords(standing, manner), detailOf(standing, manner.l10n)];
}
