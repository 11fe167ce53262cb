/** Where a key belongs among the server's settings, and what a key of each provider looks like. */

import { putAt, type ServerSettings } from "../server/settingNames";

/** A provider that wants a key of its own. */
export interface KeyKind {
  readonly provider: string;
  readonly title: string;
  /** The setting of the server, which is also the name that the key is kept by. */
  readonly name: string;
  /** Where people get one. */
  readonly page?: string;
  /** What all of them begin with, as far as is known. */
  readonly beginsWith?: readonly string[];
}

export const KEY_KINDS: readonly KeyKind[] = [
  {
    provider: "openai",
    title: "OpenAI",
    name: "openai.api_key",
    page: "https://platform.openai.com/api-keys",
    beginsWith: ["sk-"],
  },
  {
    provider: "anthropic",
    title: "Anthropic",
    name: "anthropic.api_key",
    page: "https://platform.claude.com/settings/keys",
    beginsWith: ["sk-ant-"],
  },
  {
    provider: "gemini",
    title: "Google Gemini",
    name: "gemini.api_key",
    page: "https://aistudio.google.com/apikey",
    beginsWith: ["AIza", "AQ."],
  },
  { provider: "azure", title: "Azure OpenAI", name: "azure.api_key" },
];

const SERVICE = /^services\.(.+)\.api_key$/s;
const PLAIN = new Set(KEY_KINDS.map(({ name }) => name));

/** The kind of a service of the person's own, by its name. */
export function kindOfService(service: string): KeyKind {
  return { provider: service, title: service, name: `services.${service}.api_key` };
}

/** The kind of a provider's key, by its name; undefined: it is neither one that wants a key nor one of these services. */
export function kindNamed(provider: unknown, services: object): KeyKind | undefined {
  const isService = typeof provider === "string" && Object.hasOwn(services, provider);
  return isService ? kindOfService(provider) : KEY_KINDS.find((kind) => kind.provider === provider);
}

/** The kind that a key is kept as; undefined: what is kept by that name is no key. */
export function kindOf(name: string): KeyKind | undefined {
  const service = SERVICE.exec(name)?.[1];
  return service === undefined ? KEY_KINDS.find((kind) => kind.name === name) : kindOfService(service);
}

/** Add keys, each by its name, to settings; what the person set stays beside them. */
export function withKeys(
  settings: ServerSettings,
  keys: Iterable<readonly [name: string, key: string]>,
): ServerSettings {
  const all = structuredClone(settings);
  for (const [name, key] of keys) {
    const path = pathOf(name);
    if (path !== undefined) putAt(all, path, key);
  }
  return all;
}

/** Why a text can be no key; undefined: it may be one. Says nothing of the text itself. */
export function notAKey(text: string): "empty" | "blank" | "strange" | undefined {
  if (text === "") return "empty";
  if (/\s/.test(text)) return "blank";
  return /^[!-~]+$/.test(text) ? undefined : "strange";
}

/** Whether it looks like a key of somebody else; only good for a hint, for vendors change their keys. */
export function looksForeign(kind: KeyKind, key: string): boolean {
  return kind.beginsWith !== undefined && !kind.beginsWith.some((beginning) => key.startsWith(beginning));
}

function pathOf(name: string): readonly string[] | undefined {
  const service = SERVICE.exec(name)?.[1];
  if (service !== undefined) return ["services", service, "api_key"];
  return PLAIN.has(name) ? name.split(".") : undefined;
}
