/** `@gateway` in VS Code's chat. */

import * as vscode from "vscode";
import { provenanceInWords } from "../ask/provenance";
import type { ContextEntry } from "../generated/messages";
import { plain } from "../markdown";
import { type Gateway, GatewayError } from "../server/gateway";
import { answererName } from "../status/names";
import { mannerNow } from "../status/watch";
import { healthTable } from "./healthTable";
import { type Metadata, messagesIn, PRIVATE, pathsIn, sentOf, toldBefore } from "./history";
import { SeamedStream } from "./seam";
import { seamWords } from "./words";

const ID = "ai-gateway.gateway";
/** Characters of one attached file; more is cut. */
const LONGEST_FILE = 200_000;

export function registerParticipant(context: vscode.ExtensionContext, gateway: Gateway): void {
  const participant = vscode.chat.createChatParticipant(ID, (request, chat, stream, token) =>
    respond(gateway, request, chat, stream, token),
  );
  participant.iconPath = vscode.Uri.joinPath(context.extensionUri, "media", "icon.png");
  participant.followupProvider = { provideFollowups: ({ metadata }) => followUps(metadata as Metadata | undefined) };
  context.subscriptions.push(participant);
}

async function respond(
  gateway: Gateway,
  request: vscode.ChatRequest,
  chat: vscode.ChatContext,
  stream: vscode.ChatResponseStream,
  token: vscode.CancellationToken,
): Promise<vscode.ChatResult> {
  try {
    if (request.command === "health") return await showHealth(gateway, stream, token);
    if (request.command === "explain") return await showExplanation(gateway, chat, stream, token);
    return await answer(gateway, request, chat, stream, token);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { errorDetails: { message: error.message } };
  }
}

async function answer(
  gateway: Gateway,
  request: vscode.ChatRequest,
  chat: vscode.ChatContext,
  stream: vscode.ChatResponseStream,
  token: vscode.CancellationToken,
): Promise<vscode.ChatResult> {
  const written = new SeamedStream(
    (text) => stream.markdown(text),
    seamWords,
    (by) => stream.progress(vscode.l10n.t("{0} is answering…", answererName(by, vscode.l10n))),
  );
  const isPrivate = request.command === PRIVATE || isAlwaysPrivate(gateway);
  const before = toldBefore(chat.history, isPrivate);
  const context = await attached(request);
  const found = await gateway.query(
    {
      messages: [...messagesIn(before), { role: "user", content: request.prompt }],
      paths: pathsIn(before),
      context,
      private: isPrivate,
    },
    written,
    token,
  );
  written.finish(found);
  const paths = sentOf(context, found.left_out);
  for (const uri of paths) stream.reference(vscode.Uri.parse(uri));
  for (const { path, reason } of found.left_out) {
    stream.markdown(`\n\n${plain(vscode.l10n.t("{0} was left out: {1}", path, reason))}`);
  }
  stream.markdown(`\n\n*${plain(provenanceInWords(found, mannerNow()))}*`);
  const wasPrivate = isPrivate || isAlwaysPrivate(gateway); // the setting may not have been known before
  const metadata: Metadata = { answer: found.response, queryId: found.query_id, paths, isPrivate: wasPrivate };
  return { metadata };
}

/** Whether a setting keeps every question private. */
const isAlwaysPrivate = ({ status }: Gateway): boolean => status?.private ?? false;

/** Read what the person attached to the question; the server leaves out what is kept out of prompts. */
async function attached({ references }: vscode.ChatRequest): Promise<ContextEntry[]> {
  const entries = await Promise.all(references.map(({ value }) => entryOf(value)));
  return entries.filter((entry) => entry !== undefined);
}

async function entryOf(value: unknown): Promise<ContextEntry | undefined> {
  if (typeof value === "string") return { text: value };
  const location = value instanceof vscode.Location ? value : undefined;
  const uri = value instanceof vscode.Uri ? value : location?.uri;
  if (uri === undefined) return undefined;
  try {
    const document = await vscode.workspace.openTextDocument(uri);
    const text = document.getText(location?.range).slice(0, LONGEST_FILE);
    return { text, uri: uri.toString(), path: vscode.workspace.asRelativePath(uri), language_id: document.languageId };
  } catch {
    return undefined; // a folder, or no text
  }
}

async function showHealth(
  gateway: Gateway,
  stream: vscode.ChatResponseStream,
  token: vscode.CancellationToken,
): Promise<vscode.ChatResult> {
  stream.progress(vscode.l10n.t("Asking every provider how it is…"));
  const health = await gateway.request("ai/health", { probe: true }, token);
  stream.markdown(healthTable(health, mannerNow()));
  return {};
}

async function showExplanation(
  gateway: Gateway,
  chat: vscode.ChatContext,
  stream: vscode.ChatResponseStream,
  token: vscode.CancellationToken,
): Promise<vscode.ChatResult> {
  const { page } = await gateway.request("ai/explain", { query_id: lastQuery(chat) ?? null }, token);
  stream.markdown(page);
  return {};
}

function lastQuery({ history }: vscode.ChatContext): string | undefined {
  const answers = history.filter((turn) => turn instanceof vscode.ChatResponseTurn);
  return answers.map(({ result }) => (result.metadata as Metadata | undefined)?.queryId).findLast(Boolean);
}

function followUps(metadata: Metadata | undefined): vscode.ChatFollowup[] {
  if (metadata?.queryId === undefined) return [];
  return [{ prompt: "", command: "explain", label: vscode.l10n.t("Explain who answered, and why") }];
}
