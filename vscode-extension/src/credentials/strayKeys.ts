/** Keys that stand in settings.json, where they do not belong: what names they have there, and where they do belong. */

import { KEY_KINDS, kindOfService } from "./keyNames";

/** A key as it was found. */
export interface StrayKey {
  /** Without the section `aiGateway`. */
  readonly setting: string;
  /** The name that it is to be kept by. */
  readonly name: string;
  readonly key: string;
}

/** Names that people give the setting of a key, without the section `aiGateway`. */
export const STRAY_SETTINGS: readonly { readonly setting: string; readonly name: string }[] = KEY_KINDS.flatMap(
  ({ provider, name }) => [
    { setting: `${provider}.apiKey`, name },
    { setting: `${provider}.api_key`, name },
  ],
);

const KEY_FIELDS = ["apiKey", "api_key"];

/** Find the keys among services, and what is left of these without them. */
export function strayKeysOf(services: object): { readonly keys: readonly StrayKey[]; readonly cleaned: object } {
  const entries = Object.entries(services as Record<string, unknown>);
  const keys = entries.flatMap(([service, fields]) =>
    fieldsOf(fields)
      .filter(([field]) => KEY_FIELDS.includes(field))
      .flatMap(([, key]) => (isKey(key) ? [{ setting: "services", name: kindOfService(service).name, key }] : [])),
  );
  const cleaned = entries.map(([service, fields]) => [
    service,
    Object.fromEntries(fieldsOf(fields).filter(([field]) => !KEY_FIELDS.includes(field))),
  ]);
  return { keys, cleaned: Object.fromEntries(cleaned) };
}

/** Those that may be kept: one that came with a workspace, which may be anybody's, never takes the place of another. */
export function takeable<Stray extends { readonly name: string; readonly level: { readonly isOwn: boolean } }>(
  found: readonly Stray[],
  kept: readonly string[],
): Stray[] {
  return found.filter(({ name, level }) => level.isOwn || !kept.includes(name));
}

export function isKey(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "";
}

function fieldsOf(fields: unknown): [string, unknown][] {
  return typeof fields === "object" && fields !== null ? Object.entries(fields) : [];
}
