/** Offers the chain as a language model, so that VS Code's chat and other extensions can pick it. */

import * as vscode from "vscode";
import type { MessageParam, QueryParams } from "../generated/messages";
import type { Gateway } from "../server/gateway";
import { answererName } from "../status/names";
import { HasPicture, inputOf, turnsOf, wireTools } from "./convert";
import { SeamedStream } from "./seam";
import { seamWords } from "./words";

export const VENDOR = "ai-gateway";

/** The tier of models that the editor lends: asking it from here could lead back to here. */
const LENT = "editor";
const CANNOT_CALL_US = "copilot";
const CHARACTERS_PER_TOKEN = 4;
/** Of either model: what most of the tiers read. A prompt that one of them can't read goes to those that can. */
const TOKENS = { maxInputTokens: 120_000, maxOutputTokens: 8_000 };

const WHOLE = "failover-whole";
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
    id: WHOLE,
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
  const { model, options, progress, token } = request;
  const write = (text: string) => progress.report(new vscode.LanguageModelTextPart(text));
  const stream = new SeamedStream(write, seamWords);
  const isWhole = model.id === WHOLE;
  const answer = await gateway.query(queryOf(request), isWhole ? {} : stream, token);
  if (options.toolMode === vscode.LanguageModelChatToolMode.Required && answer.tool_calls.length === 0) {
    throw new Error(vscode.l10n.t("{0} called no tool, although one was required.", answererName(answer, vscode.l10n)));
  }
  if (!isWhole) stream.finish(answer);
  else if (answer.response) write(answer.response);
  for (const { id, name, arguments: given } of answer.tool_calls) {
    progress.report(new vscode.LanguageModelToolCallPart(id, name, inputOf(given)));
  }
}

function queryOf({ messages, options }: Request): QueryParams {
  const vendor = vscode.workspace.getConfiguration("aiGateway.editor").get<string>("vendor", CANNOT_CALL_US);
  return {
    messages: textIn(messages),
    tools: wireTools(options.tools).map((tool) => ({ ...tool })),
    cache: "off",
    without: vendor === CANNOT_CALL_US ? [] : [LENT],
    ...shapeOf(options.modelOptions ?? {}),
  };
}

function textIn(messages: Request["messages"]): MessageParam[] {
  const turns = readable(messages);
  if (turns.length === 0) throw new Error(vscode.l10n.t("There is no text in the question."));
  return turns;
}

function readable(messages: Request["messages"]): MessageParam[] {
  try {
    return turnsOf(messages, vscode);
  } catch (error) {
    if (!(error instanceof HasPicture)) throw error;
    throw new Error(vscode.l10n.t("AI Gateway sends text only: take the picture out."));
  }
}

/** What callers may set of an answer's shape: OpenAI's names for it, which Copilot's models know as well. */
function shapeOf({ temperature, max_tokens }: { readonly [name: string]: unknown }): QueryParams {
  return {
    ...(typeof temperature === "number" ? { temperature } : {}),
    ...(typeof max_tokens === "number" ? { max_tokens } : {}),
  };
}

function tokensIn(text: string | vscode.LanguageModelChatRequestMessage): number {
  const characters = typeof text === "string" ? text.length : JSON.stringify(text.content).length;
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}
