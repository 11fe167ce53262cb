/** Lends the server the editor's own language models, such as Copilot's: the road to Copilot that has a contract. */

import * as vscode from "vscode";
import type { EditorChatParams, EditorChatResult, EditorModelsParams } from "../generated/messages";
import { EDITOR_CHAT, EDITOR_MODELS } from "../protocol";
import { type Gateway, GatewayError } from "../server/gateway";
import { messagesOf, toolsOf } from "./convert";
import { failureOf } from "./failures";
import { latest } from "./latest";
import { VENDOR } from "./offer";

/** LSP's `RequestFailed`, with the failure kind in its data. */
const REQUEST_FAILED = -32803;
const JUSTIFICATION = vscode.l10n.t("Your questions are answered by VS Code's own models first.");

/** Tell the server which models there are, whenever that changes, and let it ask them. */
export function registerLentModels(context: vscode.ExtensionContext, gateway: Gateway): void {
  const tell = latest(
    () => modelsToTell(context, gateway),
    async (told) => {
      if (told !== undefined) await gateway.notify(EDITOR_MODELS, told);
    },
  );
  context.subscriptions.push(
    gateway.handle(EDITOR_CHAT, (params, token, report) => chat(params as EditorChatParams, token, report)),
    gateway.onDidChangeState(tell),
    vscode.lm.onDidChangeChatModels(tell),
    context.languageModelAccessInformation.onDidChange(tell),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("aiGateway.editor") || change.affectsConfiguration(AI_SWITCH)) void tell();
    }),
  );
}

const AI_SWITCH = "chat.disableAIFeatures";

/** Undefined: there is no server, or none that may ask them. */
async function modelsToTell(
  context: vscode.ExtensionContext,
  gateway: Gateway,
): Promise<EditorModelsParams | undefined> {
  if (gateway.state.kind !== "running" || gateway.state.simulated) return undefined;
  try {
    return await modelsNow(context);
  } catch {
    return { models: [], problem: vscode.l10n.t("VS Code could not say which models it has") };
  }
}

async function modelsNow(context: vscode.ExtensionContext): Promise<EditorModelsParams> {
  const models = await lentModels();
  const refused = models.filter((model) => context.languageModelAccessInformation.canSendRequest(model) === false);
  const allowed = models.filter((model) => !refused.includes(model));
  return {
    models: allowed.map(({ id, vendor, family, name, maxInputTokens }) => ({
      id,
      vendor,
      family,
      name,
      max_input_tokens: Number.isSafeInteger(maxInputTokens) ? maxInputTokens : null,
    })),
    problem: allowed.length > 0 ? null : await whyNone(refused.length > 0),
  };
}

/** Select the models that may be lent: never our own, or the gateway would call itself. */
async function lentModels(): Promise<vscode.LanguageModelChat[]> {
  const settings = vscode.workspace.getConfiguration("aiGateway.editor");
  if (!settings.get("enabled", true)) return [];
  const vendor = settings.get<string>("vendor", "copilot");
  return vendor === VENDOR ? [] : await vscode.lm.selectChatModels({ vendor });
}

/** VS Code gives no reason for having no models: say what can be known. */
async function whyNone(wasRefused: boolean): Promise<string> {
  if (!vscode.workspace.getConfiguration("aiGateway.editor").get("enabled", true)) {
    return vscode.l10n.t("switched off by the setting {0}", "aiGateway.editor.enabled");
  }
  if (wasRefused) return vscode.l10n.t("allow AI Gateway to use VS Code's language models, under Accounts");
  if (vscode.workspace.getConfiguration().get(AI_SWITCH, false)) {
    return vscode.l10n.t("switched off by the setting {0}", AI_SWITCH);
  }
  if (await isNobodySignedIn()) return vscode.l10n.t("sign in to GitHub in VS Code");
  return vscode.l10n.t("VS Code offers no model to this account, and does not say why; Copilot's own status may");
}

/** Not every editor has a provider of GitHub's accounts; without one, it is not for want of a sign-in. */
async function isNobodySignedIn(): Promise<boolean> {
  try {
    return (await vscode.authentication.getAccounts("github")).length === 0;
  } catch {
    return false;
  }
}

async function chat(
  params: EditorChatParams,
  token: vscode.CancellationToken,
  report: (value: object) => Promise<void>,
): Promise<EditorChatResult> {
  try {
    const model = await modelNamed(params.model);
    const response = await model.sendRequest(messagesOf(params.messages, vscode), optionsOf(params), token);
    return await answerOf(response, model, report);
  } catch (error) {
    if (token.isCancellationRequested) throw new vscode.CancellationError();
    const { kind, message } = failureOf(error);
    throw new GatewayError(message, REQUEST_FAILED, { kind, retry_after_seconds: null });
  }
}

async function modelNamed(id: string): Promise<vscode.LanguageModelChat> {
  const model = (await lentModels()).find((each) => each.id === id);
  if (model === undefined) throw vscode.LanguageModelError.NotFound();
  return model;
}

function optionsOf(params: EditorChatParams): vscode.LanguageModelChatRequestOptions {
  const { temperature, max_tokens, stop } = params;
  const wanted = { temperature, max_tokens, stop: stop.length > 0 ? stop : null };
  const given = Object.entries(wanted).filter(([, value]) => value !== null);
  return { justification: JUSTIFICATION, modelOptions: Object.fromEntries(given), tools: toolsOf(params.tools) };
}

async function answerOf(
  response: vscode.LanguageModelChatResponse,
  model: vscode.LanguageModelChat,
  report: (value: object) => Promise<void>,
): Promise<EditorChatResult> {
  let text = "";
  const calls: EditorChatResult["tool_calls"] = [];
  for await (const part of response.stream) {
    if (part instanceof vscode.LanguageModelTextPart) {
      text += part.value;
      await report({ kind: "delta", text: part.value });
    } else if (part instanceof vscode.LanguageModelToolCallPart) {
      calls.push({ id: part.callId, name: part.name, arguments: JSON.stringify(part.input) });
    }
  }
  return {
    text,
    model: model.family,
    finish_reason: calls.length > 0 ? "tool_calls" : "stop",
    usage: null,
    tool_calls: calls,
  };
}
