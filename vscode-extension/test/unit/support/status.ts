/** What a server could push, for tests that say only what matters to them. */

import type { HealthSummary, ProviderHealthResult } from "../../../src/generated/messages";
import type { Localizer, Manner } from "../../../src/manner";

export const l10n: Localizer = {
  t: (message, ...values) =>
    message.replace(/\{(\d+)\}/g, (place, index: string) => String(values[Number(index)] ?? place)),
};

/** On Saturday at two in the afternoon, wherever the tests run. */
export const NOW = new Date(2026, 10, 21, 14, 0, 0);
export const manner: Manner = { l10n, locale: "en", now: NOW };

const BACKENDS: Record<string, "copilot" | "local"> = { copilot: "copilot", editor: "copilot", ollama: "local" };
const MODELS: Record<string, string> = { copilot: "gpt-4o", openai: "gpt-4o-mini", ollama: "llama3" };
const PRICES = { copilot: "included", cloud: "metered", local: "free" } as const;

export function provider(name: string, how: Partial<ProviderHealthResult> = {}): ProviderHealthResult {
  const backend = how.backend ?? BACKENDS[name] ?? "cloud";
  return {
    name,
    backend,
    state: "closed",
    reason: null,
    retry_after_seconds: null,
    last_error: null,
    hint: null,
    model: MODELS[name] ?? null,
    credential: null,
    allowance: null,
    is_loading: false,
    price_class: PRICES[backend],
    is_emergency: false,
    forced: null,
    preload_problem: null,
    reachable: null,
    ...how,
  };
}

/** A provider whose breaker is open. */
export const open = (name: string, reason: string, seconds: number | null = null): ProviderHealthResult =>
  provider(name, { state: "open", reason, retry_after_seconds: seconds, hint: `what to do about ${name}` });

export function summary(providers: ProviderHealthResult[], how: Partial<HealthSummary> = {}): HealthSummary {
  return {
    status: "ok",
    copilot_available: true,
    cloud_available: true,
    local_available: true,
    circuit_state: "closed",
    providers,
    recommended_local_model: "llama3",
    problems: [],
    spent_today_usd: null,
    daily_cap_usd: null,
    private: false,
    ...how,
  };
}
