/** Why a provider is not asked or did not answer, in words: what server/ai_gateway/reasons.py says, in the person's language. */

import type { AttemptResult } from "../generated/messages";
import type { Localizer, Manner } from "../manner";
import { momentToCome } from "./times";

/** By the codes that the server sends; each text stands after the provider's name. */
export function reasons(l10n: Localizer): Readonly<Record<string, string>> {
  return { ...ofBreakers(l10n), ...ofExclusion(l10n), ...ofFailures(l10n) };
}

/** Say a reason; one that another version of the server knows is said as it stands. */
export function reasonInWords(reason: string, l10n: Localizer): string {
  return reasons(l10n)[reason] ?? reason.replaceAll("_", " ");
}

/** Say why one gave no answer, to stand after its name; it has no reason where nobody waited for it any more. */
export function whyInWords({ reason }: Pick<AttemptResult, "reason">, l10n: Localizer): string {
  return reason === null ? l10n.t("was cancelled") : reasonInWords(reason, l10n);
}

/** Say as well when it is asked again. */
export function whyNot(attempt: Pick<AttemptResult, "reason" | "retry_after_seconds">, manner: Manner): string {
  const { retry_after_seconds: wait } = attempt;
  const why = whyInWords(attempt, manner.l10n);
  if (!wait) return why;
  const moment = new Date(manner.now.getTime() + wait * 1000);
  return manner.l10n.t("{0}; asked again from {1}", why, momentToCome(moment, manner));
}

/** Reasons that are no news to a person: they do not use the provider, or ask in private. */
const KNOWN: readonly (string | null)[] = ["not_configured", "private"];

/** Leave out the attempts that are no news. */
export function newsOf<Attempt extends Pick<AttemptResult, "reason">>(attempts: readonly Attempt[]): Attempt[] {
  return attempts.filter(({ reason }) => !KNOWN.includes(reason));
}

/** Find those who were passed over, as far as that is news. */
export function passedOver<Attempt extends Pick<AttemptResult, "outcome" | "reason">>(
  attempts: readonly Attempt[],
): Attempt[] {
  return newsOf(attempts).filter(({ outcome }) => outcome !== "answered");
}

const ofBreakers = (l10n: Localizer) => ({
  outage: l10n.t("has an outage"),
  slow: l10n.t("is too slow"),
  rate: l10n.t("wants no more requests for now"),
  quota: l10n.t("has no quota left"),
  auth: l10n.t("refuses the credential"),
  blocked: l10n.t("is not open to this account"),
  not_configured: l10n.t("is not configured"),
  loading: l10n.t("is loading its model"),
  forced: l10n.t("is kept out by hand"),
});

const ofExclusion = (l10n: Localizer) => ({
  private: l10n.t("is not local, and the query is private"),
  left_out: l10n.t("is left out by the query"),
  no_embeddings: l10n.t("makes no embeddings"),
  no_completions: l10n.t("answers only what a person asks"),
  spending: l10n.t("costs more than the spending rule allows"),
  daily_cap: l10n.t("costs money, and the cap of the day is reached"),
  spend_declined: l10n.t("costs more, and the person said no"),
  spend_unanswered: l10n.t("costs more, and nobody answered whether it may be used"),
  spend_nobody_to_ask: l10n.t("costs more, and nobody could be asked whether it may be used"),
});

const ofFailures = (l10n: Localizer) => ({
  network: l10n.t("could not be reached"),
  timeout: l10n.t("took too long"),
  server: l10n.t("had a fault of its own"),
  overloaded: l10n.t("was overloaded"),
  rate_limit: l10n.t("wanted no more requests for now"),
  signed_out: l10n.t("had no credential"),
  entitlement: l10n.t("was not open to this account or with this model"),
  model_not_found: l10n.t("did not know the model"),
  context_too_long: l10n.t("can't read so long a prompt"),
  unsupported: l10n.t("did not support a parameter of the query"),
  bad_request: l10n.t("refused the request"),
  invalid_request: l10n.t("called the query invalid"),
  content_filter: l10n.t("blocked it by its content filter"),
  stream_broken: l10n.t("broke off in the middle of its answer"),
  empty: l10n.t("answered with nothing"),
  crashed: l10n.t("raised an error in its own code"),
  deadline: l10n.t("had no time left"),
  escalated: l10n.t("asked for a stronger model"),
});
