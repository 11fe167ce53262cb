import assert from "node:assert/strict";
import { once } from "node:events";
import * as vscode from "vscode";
import { Upstream } from "./upstream.js";

const hello = [vscode.LanguageModelChatMessage.User("hello")];

async function failover(): Promise<vscode.LanguageModelChat> {
  const [model] = await vscode.lm.selectChatModels({ vendor: "ai-gateway", id: "failover" });
  assert.ok(model);
  return model;
}

describe("the chain as a model", () => {
  const upstream = new Upstream();
  const settings = vscode.workspace.getConfiguration("aiGateway");

  before(async () => {
    const services = { here: { baseUrl: await upstream.start(), model: "small" } };
    await settings.update("services", services, vscode.ConfigurationTarget.Global);
    await settings.update("order", ["here"], vscode.ConfigurationTarget.Global);
  });

  after(async () => {
    await settings.update("order", undefined, vscode.ConfigurationTarget.Global);
    await settings.update("services", undefined, vscode.ConfigurationTarget.Global);
    upstream.stop();
  });

  it("gives each piece while the next one is still to come", async () => {
    const asked = once(upstream, "asked");
    const { text } = await (await failover()).sendRequest(hello);
    const pieces = text[Symbol.asyncIterator]();
    const [answer] = await asked;
    answer.write("one ");
    assert.equal((await pieces.next()).value, "one ");
    answer.write("two");
    answer.end();
    assert.equal((await pieces.next()).value, "two");
    assert.equal((await pieces.next()).done, true);
  });

  it("ends the call at the upstream when it is cancelled", async () => {
    const asked = once(upstream, "asked");
    const cancel = new vscode.CancellationTokenSource();
    const { text } = await (await failover()).sendRequest(hello, {}, cancel.token);
    const [answer] = await asked;
    answer.write("one ");
    const pieces = text[Symbol.asyncIterator]();
    await pieces.next();
    const left = once(answer, "left");
    cancel.cancel();
    await left;
    await assert.rejects(async () => assert.equal((await pieces.next()).done, false));
  });

  it("says that nobody could answer as an error", async () => {
    const asked = once(upstream, "asked");
    const failing = (async () => {
      const { text } = await (await failover()).sendRequest(hello);
      for await (const _ of text);
    })();
    const [answer] = await asked;
    answer.refuse(401);
    await assert.rejects(failing, /here/);
    await vscode.commands.executeCommand("aiGateway.reset", "here");
  });

  it("counts more tokens in more text", async () => {
    const model = await failover();
    const [few, many] = [await model.countTokens("one"), await model.countTokens("one ".repeat(100))];
    assert.ok(few > 0);
    assert.ok(many > 20 * few, `${many} and ${few}`);
  });
});
