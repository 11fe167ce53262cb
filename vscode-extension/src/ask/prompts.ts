/** What a question is sent as: with code, the server says it, as for its own code actions. */

import * as vscode from "vscode";
import type { Gateway } from "../server/gateway";
import type { Prompt } from "./asking";
import { type CodeContext, chipOf, found, rangeFrom, regionOf, wireRange } from "./codeContext";
import { toldOf } from "./documents";

/** What a person, or a command, wants to know. */
export interface Wanted {
  readonly question: string;
  readonly code: CodeContext | undefined;
  /** `explain` asks by itself. */
  readonly kind: "ask" | "explain";
}

/** Make the prompt; throws a `GatewayError` where the file is kept out of prompts. */
export async function promptOf(wanted: Wanted, gateway: Gateway, token: vscode.CancellationToken): Promise<Prompt> {
  const { question, code, kind } = wanted;
  if (!code) return { messages: [{ role: "user", content: question }], paths: [], about: undefined, region: undefined };
  const { document, range } = await found(code);
  const params = {
    kind,
    ...toldOf(document),
    range: wireRange(range),
    ...(kind === "ask" ? { question } : {}),
  };
  const { messages, paths, range: told } = await gateway.request("ai/prompt", params, token);
  const lines = rangeFrom(told);
  return { messages, paths, about: chipOf(document.uri, lines), region: regionOf({ document, range: lines }) };
}

/** What the question is called, where the person did not ask it in words. */
export function titleOf(code: CodeContext): string {
  return vscode.l10n.t("Explain {0}", chipOf(code.uri, code.range).label);
}
