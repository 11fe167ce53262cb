/** The short story of the simulated outage: what is asked, and what goes wrong while it is answered. */

import type { SimulateParams } from "../generated/messages";
import type { Localizer } from "../manner";

/** The providers that are simulated, in the order of asking. */
export const SIMULATED = ["copilot", "openai", "ollama"] as const;
export type Simulated = (typeof SIMULATED)[number];
export type Fault = NonNullable<SimulateParams["fault"]>;

/** What each of them does now; null: it answers. */
export type Faults = Readonly<Record<Simulated, Fault | null>>;

export const ALL_WELL: Faults = { copilot: null, openai: null, ollama: null };

/** One turn: what the banner says, what fails, what is asked. */
export interface Scene {
  readonly said: string;
  readonly faults: Faults;
  readonly question: string;
  /** Whether the circuits are closed first, as if time had passed. */
  readonly resets: boolean;
}

export function scenes(l10n: Localizer): readonly Scene[] {
  return [
    {
      said: l10n.t("1 of 4 · All is well: Copilot answers."),
      faults: ALL_WELL,
      question: l10n.t("How do I write a greeting in Python?"),
      resets: true,
    },
    {
      said: l10n.t("2 of 4 · Copilot breaks off in the middle: the cloud starts over, and the seam is shown."),
      faults: { ...ALL_WELL, copilot: "broken_off" },
      question: l10n.t("How do I find a bug?"),
      resets: false,
    },
    {
      said: l10n.t("3 of 4 · Copilot is down and the cloud's quota is spent: the model on this machine answers."),
      faults: { ...ALL_WELL, copilot: "down", openai: "quota" },
      question: l10n.t("What should my code do when a request fails?"),
      resets: false,
    },
    {
      said: l10n.t("4 of 4 · Both are mended and their circuits closed: Copilot answers again."),
      faults: ALL_WELL,
      question: l10n.t("How do I debug this?"),
      resets: true,
    },
  ];
}

/** What a provider can be made to do, in words. */
export function faultWords(l10n: Localizer): Readonly<Record<Fault, string>> {
  return {
    down: l10n.t("It is down"),
    broken_off: l10n.t("It breaks off in the middle of answers"),
    rate_limited: l10n.t("It wants fewer requests, and says for how long"),
    quota: l10n.t("Its quota is spent"),
    signed_out: l10n.t("It refuses the credential"),
    slow: l10n.t("It is silent for long"),
  };
}

/** The faults that a provider knows: a model on this machine has no quota, and no credential. */
export function faultsOf(provider: Simulated): readonly Fault[] {
  const anywhere: readonly Fault[] = ["down", "broken_off", "slow"];
  return provider === "ollama" ? anywhere : [...anywhere, "rate_limited", "quota", "signed_out"];
}
