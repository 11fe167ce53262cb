import assert from "node:assert/strict";
import * as vscode from "vscode";

interface Setting {
  readonly scope?: string;
}

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[];
    readonly configuration: readonly { readonly properties: Readonly<Record<string, Setting>> }[];
    readonly languageModelChatProviders: readonly { readonly vendor: string }[];
  };
  readonly capabilities: {
    readonly untrustedWorkspaces: { readonly restrictedConfigurations: readonly string[] };
  };
}

/** What a folder may say of itself: all of it makes questions more private. */
const OF_ANY_FOLDER = ["private", "privatePaths", "exclude", "useGitignore"].map((name) => `aiGateway.privacy.${name}`);
/** VS Code registers these for each view and container. */
const OF_VIEWS =
  /^aiGateway\.(answer|dashboard)\.(focus|open|removeView|resetViewLocation|toggleVisibility)$|^aiGateway(Panel)?\.resetViewContainerLocation$/;

function extension(): vscode.Extension<unknown> {
  const found = vscode.extensions.getExtension("ai-gateway.ai-gateway");
  assert.ok(found);
  return found;
}

const manifest = (): Manifest => extension().packageJSON as Manifest;
const settings = (): [string, Setting][] =>
  manifest().contributes.configuration.flatMap(({ properties }) => Object.entries(properties));

describe("what is contributed", () => {
  before(() => extension().activate());

  it("is every command that is registered, and no other", async () => {
    const registered = (await vscode.commands.getCommands(true))
      .filter((name) => name.startsWith("aiGateway"))
      .filter((name) => !OF_VIEWS.test(name));
    const contributed = manifest().contributes.commands.map(({ command }) => command);
    assert.deepEqual(registered.sort(), contributed.sort());
  });

  it("restricts in untrusted workspaces every setting that a workspace could change for the worse", () => {
    const { restrictedConfigurations } = manifest().capabilities.untrustedWorkspaces;
    const expected = settings()
      .map(([name]) => name)
      .filter((name) => !OF_ANY_FOLDER.includes(name));
    assert.deepEqual([...restrictedConfigurations].sort(), expected.sort());
  });

  it("lets no workspace say what is run, whom is asked, or who is told", () => {
    const scopes = new Map(settings().map(([name, { scope }]) => [name, scope]));
    const own = [...scopes.keys()].filter((name) => /\.(server|network)\.|Url$|\.endpoint$|\.services$/.test(name));
    assert.ok(own.length > 10);
    for (const name of own) assert.equal(scopes.get(name), "machine", name);
    for (const name of OF_ANY_FOLDER) assert.equal(scopes.get(name), "resource", name);
  });

  it("offers the chain as a model to whoever asks VS Code for models", async () => {
    const [{ vendor } = { vendor: "" }] = manifest().contributes.languageModelChatProviders;
    const models = await vscode.lm.selectChatModels({ vendor });
    assert.deepEqual(models.map(({ id }) => id).sort(), ["failover", "failover-whole"]);
  });
});
