import assert from "node:assert/strict";
import * as vscode from "vscode";

const isPrivate = () => vscode.workspace.getConfiguration("aiGateway").get("privacy.private");

/** Resolves when there is a tab of this label. */
async function tabOf(label: string): Promise<void> {
  const isThere = () => vscode.window.tabGroups.all.some(({ tabs }) => tabs.some((tab) => tab.label.includes(label)));
  while (!isThere()) {
    await new Promise((resolve) => {
      const listening = vscode.window.tabGroups.onDidChangeTabs(() => resolve(listening.dispose()));
    });
  }
}

describe("a command that another extension runs", () => {
  afterEach(() => vscode.commands.executeCommand("workbench.action.closeAllEditors"));

  it("has done its work once it returns", async () => {
    await vscode.commands.executeCommand("aiGateway.togglePrivate");
    assert.equal(isPrivate(), true);
    await vscode.commands.executeCommand("aiGateway.togglePrivate");
    assert.equal(isPrivate(), false);
  });

  it("shows its page, also right after the server was started anew", async () => {
    await vscode.commands.executeCommand("aiGateway.restart");
    await vscode.commands.executeCommand("aiGateway.collectDiagnostics");
    await tabOf("Diagnostics");
  });
});
