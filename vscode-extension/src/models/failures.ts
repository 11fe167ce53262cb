/** What VS Code's language models report, as failure kinds of the server. */

/** A failure kind, and words that are safe to show. */
export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
}

/** Those of the server's failure kinds that can come from here. */
export type FailureKind = "auth" | "quota" | "rate_limit" | "model_not_found" | "server";

/**
 * By the `code` of VS Code's `LanguageModelError`, or the `name` of the error that Copilot's own provider throws.
 *
 * `Blocked` is thrown for an extension that has asked too much of late (vscode.d.ts: "quota limits exceeded").
 */
const KINDS: ReadonlyMap<string, FailureKind> = new Map([
  ["NoPermissions", "auth"],
  ["Blocked", "rate_limit"],
  ["NotFound", "model_not_found"],
  ["ChatRateLimited", "rate_limit"],
  ["ChatQuotaExceeded", "quota"],
]);

const WORDS: Record<FailureKind, string> = {
  auth: "VS Code has not allowed AI Gateway to use its models",
  quota: "the quota of the editor's model is spent",
  rate_limit: "the editor's model wants no more requests for now",
  model_not_found: "the editor does not have this model any more",
  server: "the editor's model failed",
};

const DEEPEST = 4;

/** Read an error, and its causes; its own text is not passed on, as it may quote anything. */
export function failureOf(error: unknown): Failure {
  for (let each = error, depth = 0; each instanceof Error && depth < DEEPEST; each = each.cause, depth += 1) {
    const kind = KINDS.get(codeOf(each)) ?? KINDS.get(each.name);
    if (kind !== undefined) return { kind, message: WORDS[kind] };
  }
  return { kind: "server", message: WORDS.server };
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}
