// A language model that is lent to others, and somebody who asks those that are offered. What it is told to do, and what
// it was asked, stand in two files of the workspace, for the test to write and read.

const vscode = require("vscode");
const { appendFileSync, existsSync, readFileSync } = require("node:fs");
const { join } = require("node:path");

const MODEL = {
  id: "lent-1",
  name: "Lent Model",
  family: "lent-family",
  version: "1",
  maxInputTokens: 10_000,
  maxOutputTokens: 1_000,
  capabilities: { toolCalling: true },
};

const folder = () => vscode.workspace.workspaceFolders[0].uri.fsPath;
const record = (entry) => appendFileSync(join(folder(), "lender.jsonl"), `${JSON.stringify(entry)}\n`);

function wanted() {
  const file = join(folder(), "lender.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
}

/** Throw as Copilot's own provider does. */
function fail(how) {
  if (how === "NoPermissions" || how === "Blocked" || how === "NotFound") throw vscode.LanguageModelError[how]("no");
  throw Object.assign(new Error("no"), { name: how });
}

const textIn = (message) => message.content.map((part) => part.value ?? "").join("");

async function respond(_model, messages, _options, progress, token) {
  const { fail: how, words = ["Lent ", "answer."], hang } = wanted();
  record({ asked: messages.map(textIn) });
  token.onCancellationRequested(() => record({ cancelled: true }));
  if (how) fail(how);
  for (const word of words) progress.report(new vscode.LanguageModelTextPart(word));
  if (hang) await new Promise((resolve) => token.onCancellationRequested(resolve));
}

async function ask(id, prompt) {
  const [model] = await vscode.lm.selectChatModels({ vendor: "ai-gateway", id });
  if (model === undefined) return record({ missing: id });
  try {
    const response = await model.sendRequest([vscode.LanguageModelChatMessage.User(prompt)]);
    const pieces = [];
    for await (const piece of response.text) pieces.push(piece);
    record({ id, answer: pieces.join(""), pieces: pieces.length });
  } catch (error) {
    record({ id, error: error.message });
  }
}

exports.activate = (context) => {
  const changed = new vscode.EventEmitter();
  context.subscriptions.push(
    vscode.lm.registerLanguageModelChatProvider("lender", {
      onDidChangeLanguageModelChatInformation: changed.event,
      provideLanguageModelChatInformation: () => [MODEL],
      provideLanguageModelChatResponse: respond,
      provideTokenCount: async () => 1,
    }),
    vscode.commands.registerCommand("lender.ask", async () => {
      await ask("failover", "What is a circuit breaker?");
      await ask("failover-whole", "What is a circuit breaker?");
    }),
  );
  changed.fire();
};
