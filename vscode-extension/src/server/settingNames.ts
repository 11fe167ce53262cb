/** Settings between VS Code's spelling, `copilot.apiUrl`, and the server's, `{"copilot": {"api_url": …}}`. */

/** Settings as the server takes them: sections within sections. */
export type ServerSettings = { [name: string]: unknown };

export const SECTION = "aiGateway";
/** Sections that are the extension's own affair. */
const OWN_SECTIONS: ReadonlySet<string> = new Set(["server", "terminal", "trace"]);

/** The settings that the server knows, without the section's name, of all that the extension's manifest contributes. */
export function serverSettingKeys(contributed: Iterable<string>): string[] {
  return [...contributed]
    .filter((name) => name.startsWith(`${SECTION}.`))
    .map((name) => name.slice(SECTION.length + 1))
    .filter((key) => !OWN_SECTIONS.has(key.split(".", 1)[0] ?? ""));
}

/** One part of a setting's name as the server spells it: `apiUrl` is `api_url`. */
export function serverName(part: string): string {
  return part.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}

/** Puts values of settings such as `copilot.apiUrl` into sections; the values stay as they are. Left out is what is not set, or set to an empty text, as the settings editor does it. */
export function toServerSettings(values: Iterable<readonly [key: string, value: unknown]>): ServerSettings {
  const settings: ServerSettings = {};
  for (const [key, value] of values) {
    if (value !== undefined && value !== "") putAt(settings, key.split(".").map(serverName), value);
  }
  return settings;
}

/** The value that a section has under a name such as `copilot.apiUrl`. */
export function valueIn(section: unknown, key: string): unknown {
  return key.split(".").reduce((value, part) => (isSection(value) ? value[part] : undefined), section);
}

/** Put a value into sections within sections, which are made where they are not there. */
export function putAt(settings: ServerSettings, path: readonly string[], value: unknown): void {
  const [name, ...rest] = path;
  if (name === undefined) return;
  if (rest.length === 0) settings[name] = value;
  else putAt(sectionOf(settings, name), rest, value);
}

function sectionOf(settings: ServerSettings, name: string): ServerSettings {
  const present = settings[name];
  if (isSection(present)) return present;
  const section: ServerSettings = {};
  settings[name] = section;
  return section;
}

function isSection(value: unknown): value is ServerSettings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
