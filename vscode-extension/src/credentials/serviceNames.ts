/** Services that many people have, and what a name and an address must be like. */

/** Where a well-known service is. */
export interface Preset {
  readonly label: string;
  readonly name: string;
  readonly baseUrl: string;
}

export const PRESETS: readonly Preset[] = [
  { label: "LM Studio", name: "lmstudio", baseUrl: "http://127.0.0.1:1234/v1" },
  { label: "llama.cpp", name: "llamacpp", baseUrl: "http://127.0.0.1:8080/v1" },
  { label: "vLLM", name: "vllm", baseUrl: "http://127.0.0.1:8000/v1" },
  { label: "Groq", name: "groq", baseUrl: "https://api.groq.com/openai/v1" },
  { label: "OpenRouter", name: "openrouter", baseUrl: "https://openrouter.ai/api/v1" },
];

const TAKEN = new Set(["editor", "copilot", "cloud", "openai", "anthropic", "gemini", "azure", "local", "ollama"]);
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Why a service can't have this name; undefined: it can. */
export function notAName(name: string, others: object): "taken" | undefined {
  return TAKEN.has(name) || Object.hasOwn(others, name) ? "taken" : undefined;
}

/** Why this is no address of a service; undefined: it is one. */
export function notAnAddress(text: string): "address" | undefined {
  const url = URL.parse(text);
  const isOne = url !== null && /^https?:$/.test(url.protocol) && url.hostname !== "" && !url.username && !url.password;
  return isOne ? undefined : "address";
}

export function isLocalAddress(address: string): boolean {
  return LOOPBACK.test(URL.parse(address)?.hostname ?? "");
}
