import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";

interface Contributed {
  readonly commands: readonly { readonly command: string; readonly icon?: string }[];
  readonly menus: Readonly<Record<string, readonly { readonly command?: string; readonly group?: string }[]>>;
}

const manifest = readFileSync(resolve(__dirname, "../../package.json"), "utf8");
const { commands, menus } = (JSON.parse(manifest) as { contributes: Contributed }).contributes;

describe("the menus", () => {
  it("show the icons of just those commands that have one", () => {
    const entries = ["view/title", "scm/title"].flatMap((bar) => menus[bar] ?? []);
    const shown = entries.filter(({ group }) => group?.startsWith("navigation")).map(({ command }) => command);
    const withIcons = commands.filter(({ icon }) => icon !== undefined).map(({ command }) => command);
    expect(withIcons.sort()).toEqual([...new Set(shown)].sort());
  });

  it("offer only commands that there are", () => {
    const known = commands.map(({ command }) => command);
    const offered = Object.values(menus).flatMap((entries) => entries.flatMap(({ command }) => command ?? []));
    expect(offered.filter((command) => !known.includes(command))).toEqual([]);
  });
});
