import assert from "node:assert/strict";
import * as vscode from "vscode";

const ID = "ai-gateway.ai-gateway";

describe("the extension", () => {
  it("is active once VS Code has started", async () => {
    const extension = vscode.extensions.getExtension(ID);
    assert.ok(extension, `${ID} is not there`);
    await extension.activate();
    assert.equal(extension.isActive, true);
  });

  it("has registered every command that it contributes", async () => {
    const manifest: { contributes: { commands: { command: string }[] } } =
      vscode.extensions.getExtension(ID)?.packageJSON;
    const known = new Set(await vscode.commands.getCommands(true));
    const missing = manifest.contributes.commands.map(({ command }) => command).filter((name) => !known.has(name));
    assert.deepEqual(missing, []);
  });
});
