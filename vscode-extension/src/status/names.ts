/** What those who answer are called. */

import type { Localizer } from "../manner";

/** Who answers, or did. */
export interface Answerer {
  readonly provider: string;
  readonly model?: string | null;
}

const NAMES = new Map([
  ["anthropic", "Anthropic"],
  ["azure", "Azure"],
  ["copilot", "Copilot"],
  ["gemini", "Gemini"],
  ["ollama", "Ollama"],
  ["openai", "OpenAI"],
]);

/** Name a provider as it calls itself; a service of the person's own has the name they gave it. */
export function nameOf(provider: string, l10n: Localizer): string {
  return provider === "editor" ? l10n.t("Copilot in VS Code") : (NAMES.get(provider) ?? provider);
}

/** Name who answers with the model: `OpenAI · gpt-4o-mini`. */
export function answererName({ provider, model }: Answerer, l10n: Localizer): string {
  return [nameOf(provider, l10n), model].filter(Boolean).join(" · ");
}
