/** Offers the chain as a language model, so that VS Code's chat and other extensions can pick it. */

import * as vscode from "vscode";
import type { QueryResult } from "../generated/messages";
import type { Gateway, QueryEvents } from "../server/gateway";
import { CannotBeSent, inputOf, turnsOf, wireTools } from "./convert";
import { SeamedStream } from "./seam";
import { seamWords } from "./words";

export const VENDOR = "ai-gateway";

/** The tier of models that the editor lends: asking it from here could lead back to here. */
const LENT = "editor";
const CANNOT_CALL_US = "copilot";
const CHARACTERS_PER_TOKEN = 4;
/** Of either model: what most of the tiers read. A prompt that one of them can't read goes to those that can. */
const TOKENS = { maxInputTokens: 120_000, maxOutputTokens: 8_000 };

const MODELS: readonly vscode.LanguageModelChatInformation[] = [
  {
    id: "failover",
    name: vscode.l10n.t("AI Gateway: failover"),
    tooltip: vscode.l10n.t("Copilot, then a cloud model, then your own Ollama: whoever can answer."),
    family: "failover",
    version: "1",
    capabilities: { toolCalling: true },
    ...TOKENS,
  },
  {
    id: "failover-whole",
    name: vscode.l10n.t("AI Gateway: failover, whole answers"),
    tooltip: vscode.l10n.t("The same, but an answer comes in one piece: nothing in it ever has to be taken back."),
    family: "failover",
    version: "1",
    capabilities: { toolCalling: true },
    ...TOKENS,
  },
];

/** Register both models: one that streams, with a seam where a tier broke off, and one that gives whole answers only. */
export function registerOfferedModels(context: vscode.ExtensionContext, gateway: Gateway): void {
  const changed = new vscode.EventEmitter<void>();
  context.subscriptions.push(
    changed,
    vscode.lm.registerLanguageModelChatProvider(VENDOR, {
      onDidChangeLanguageModelChatInformation: changed.event,
      provideLanguageModelChatInformation: () => [...MODELS],
      provideLanguageModelChatResponse: (model, messages, options, progress, token) =>
        respond(gateway, { model, messages, options, progress, token }),
      provideTokenCount: async (_model, text) => tokensIn(text),
    }),
  );
  changed.fire(); // or the picker of models does not ask for them
}

interface Request {
  readonly model: vscode.LanguageModelChatInformation;
  readonly messages: readonly vscode.LanguageModelChatRequestMessage[];
  readonly options: vscode.ProvideLanguageModelChatResponseOptions;
  readonly progress: vscode.Progress<vscode.LanguageModelResponsePart>;
  readonly token: vscode.CancellationToken;
}

async function respond(gateway: Gateway, request: Request): Promise<void> {
  const { model, messages, options, progress, token } = request;
  const write = (text: string) => progress.report(new vscode.LanguageModelTextPart(text));
  const stream = new SeamedStream(write, seamWords);
  const isWhole = model.id === "failover-whole";
  const answer = await ask(gateway, messages, options, isWhole ? {} : stream, token);
  if (!isWhole) stream.finish(answer);
  else if (answer.response) write(answer.response);
  for (const { id, name, arguments: given } of answer.tool_calls) {
    progress.report(new vscode.LanguageModelToolCallPart(id, name, inputOf(given)));
  }
}

async function ask(
  gateway: Gateway,
  messages: Request["messages"],
  options: Request["options"],
  events: QueryEvents,
  token: vscode.CancellationToken,
): Promise<QueryResult> {
  const vendor = vscode.workspace.getConfiguration("aiGateway.editor").get<string>("vendor", CANNOT_CALL_US);
  const tools = wireTools(options.tools);
  const turns = turnsOf(messages, vscode);
  if (turns.length === 0) throw new CannotBeSent(vscode.l10n.t("There is no text in the question."));
  return await gateway.query(
    {
      messages: turns,
      cache: "off",
      without: vendor === CANNOT_CALL_US ? [] : [LENT],
      ...(tools.length > 0 ? { tools: tools.map((tool) => ({ ...tool })) } : {}),
    },
    events,
    token,
  );
}

function tokensIn(text: string | vscode.LanguageModelChatRequestMessage): number {
  const characters = typeof text === "string" ? text.length : JSON.stringify(text.content).length;
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}
