/** Conversations and tools, between VS Code's shape and the server's. */

import type * as vscode from "vscode";
import type { EditorMessage, EditorTool, EditorToolCall, MessageParam } from "../generated/messages";

/** VS Code's classes, handed in, so that this file runs without an editor. */
export type Parts = Pick<
  typeof vscode,
  "LanguageModelTextPart" | "LanguageModelToolCallPart" | "LanguageModelToolResultPart" | "LanguageModelDataPart"
>;
type Messages = Pick<typeof vscode, "LanguageModelChatMessage"> & Parts;

/** There is a picture in a conversation, and the server takes text only. */
export class HasPicture extends Error {}

const ASSISTANT = 2;
const NO_PARAMETERS = { type: "object", properties: {} };
const TEXT = /^(text\/|application\/([\w.-]+\+)?json\b)/;
const IMAGE = /^image\//;

/**
 * Give a conversation of VS Code as `messages` of `ai/query`.
 *
 * Throws `HasPicture`; other data that isn't text, such as marks for caches, means something to its own
 * provider only and is left out.
 */
export function turnsOf(messages: readonly vscode.LanguageModelChatRequestMessage[], parts: Parts): MessageParam[] {
  return messages.flatMap((message) =>
    message.role === ASSISTANT ? assistantTurn(message.content, parts) : userTurns(message.content, parts),
  );
}

function assistantTurn(content: readonly unknown[], parts: Parts): MessageParam[] {
  const text = textOf(content, parts);
  const calls = content.filter((part) => part instanceof parts.LanguageModelToolCallPart).map(wireCall);
  if (calls.length > 0)
    return [{ role: "assistant", content: text || null, tool_calls: calls.map((call) => ({ ...call })) }];
  return text ? [{ role: "assistant", content: text }] : [];
}

function userTurns(content: readonly unknown[], parts: Parts): MessageParam[] {
  const results = content
    .filter((part) => part instanceof parts.LanguageModelToolResultPart)
    .map((part): MessageParam => ({ role: "tool", tool_call_id: part.callId, content: textOf(part.content, parts) }));
  const text = textOf(content, parts);
  return text ? [...results, { role: "user", content: text }] : results;
}

function textOf(content: readonly unknown[], parts: Parts): string {
  return content
    .map((part) => {
      if (part instanceof parts.LanguageModelTextPart) return part.value;
      if (part instanceof parts.LanguageModelDataPart) return textOfData(part);
      return "";
    })
    .join("");
}

function textOfData({ mimeType, data }: vscode.LanguageModelDataPart): string {
  if (IMAGE.test(mimeType)) throw new HasPicture(mimeType);
  return TEXT.test(mimeType) ? new TextDecoder().decode(data) : "";
}

function wireCall(part: vscode.LanguageModelToolCallPart): EditorToolCall {
  const { callId, name, input } = part;
  return { id: callId, type: "function", function: { name, arguments: JSON.stringify(input) } };
}

/** Give the server's conversation as VS Code's models take it: they know no system turns, so those become the user's. */
export function messagesOf(turns: readonly EditorMessage[], classes: Messages): vscode.LanguageModelChatMessage[] {
  return turns.map((turn) => messageOf(turn, classes));
}

function messageOf(turn: EditorMessage, classes: Messages): vscode.LanguageModelChatMessage {
  const { LanguageModelChatMessage: Message, LanguageModelTextPart: Text } = classes;
  const text = turn.content ? [new Text(turn.content)] : [];
  switch (turn.role) {
    case "tool":
      return Message.User([new classes.LanguageModelToolResultPart(turn.tool_call_id ?? "", text)]);
    case "assistant":
      return Message.Assistant([...text, ...callsOf(turn, classes)]);
    default:
      return Message.User(text);
  }
}

function callsOf(turn: EditorMessage, { LanguageModelToolCallPart: Call }: Parts): vscode.LanguageModelToolCallPart[] {
  return (turn.tool_calls ?? []).map((call) => new Call(call.id, call.function.name, inputOf(call.function.arguments)));
}

/** Read the arguments of a call; what is no JSON object counts as none, as a model may write anything. */
export function inputOf(given: string): object {
  try {
    const input: unknown = JSON.parse(given);
    return typeof input === "object" && input !== null ? input : {};
  } catch {
    return {};
  }
}

export function wireTools(tools: readonly vscode.LanguageModelChatTool[] = []): EditorTool[] {
  return tools.map(({ name, description, inputSchema }) => ({
    type: "function",
    function: { name, description, parameters: { ...(inputSchema ?? NO_PARAMETERS) } },
  }));
}

export function toolsOf(tools: readonly EditorTool[]): vscode.LanguageModelChatTool[] {
  return tools.map(({ function: { name, description, parameters } }) => ({
    name,
    description,
    inputSchema: parameters,
  }));
}
