/** What a person can do about a reason, where neither the reason nor a button beside it says so. */

import type { Localizer } from "../manner";

/** By the codes that the server sends, a sentence each; the server itself may know better of one provider. */
export function advices(l10n: Localizer): Readonly<Record<string, string>> {
  const plan = l10n.t("Check the account's plan and its policies, then reset it.");
  return {
    network: l10n.t("Check the network, the proxy and the base URL."),
    quota: l10n.t("Raise the quota there, or wait until it is renewed."),
    blocked: plan,
    entitlement: plan,
    model_not_found: l10n.t("Choose a model that it has, then reset it."),
    forced: l10n.t("Reset it to let it go by itself."),
    context_too_long: l10n.t("Ask about less code, or in a new conversation."),
    content_filter: l10n.t("Say it in other words. It was sent to nobody else."),
    invalid_request: l10n.t("Change the question: others would refuse it as well."),
    crashed: l10n.t("The log says where."),
    deadline: l10n.t("Give questions more time: {0}.", "aiGateway.query.timeoutSeconds"),
    private: l10n.t("Start a local model, or ask openly."),
    spending: l10n.t("Allow it: {0}.", "aiGateway.spending.rule"),
    daily_cap: l10n.t("Raise the cap, or wait until tomorrow: {0}.", "aiGateway.spending.dailyCapUsd"),
  };
}
