/** Which of several Pythons runs the server: the first that can. */

import { delimiter, isAbsolute, join, relative } from "node:path";
import type { Localizer } from "../manner";

/** A Python that may be there. */
export interface Candidate {
  readonly path: string;
  readonly args: readonly string[];
  /** Who says so, for the log. */
  readonly origin: string;
}

/** What came of asking a Python: where it really is, or why it can't run the server. */
export type Verdict =
  | { readonly isFit: true; readonly executable: string; readonly version: string }
  | { readonly isFit: false; readonly reason: string };

export interface Refused {
  readonly candidate: Candidate;
  readonly reason: string;
}

export interface Choice {
  readonly python: (Verdict & { readonly isFit: true } & { readonly origin: string }) | undefined;
  readonly refused: readonly Refused[];
}

/** Asks one after the other, each path once. */
export async function choosePython(
  candidates: Iterable<Candidate> | AsyncIterable<Candidate>,
  check: (candidate: Candidate) => Promise<Verdict>,
): Promise<Choice> {
  const refused: Refused[] = [];
  const asked = new Set<string>();
  for await (const candidate of candidates) {
    if (asked.has(candidate.path)) continue;
    asked.add(candidate.path);
    const verdict = await check(candidate);
    if (verdict.isFit) return { python: { ...verdict, origin: candidate.origin }, refused };
    refused.push({ candidate, reason: verdict.reason });
  }
  return { python: undefined, refused };
}

const NEWEST_FIRST = ["python3.14", "python3.13", "python3.12", "python3.11"];

export interface Surroundings {
  readonly path: string;
  readonly isWindows: boolean;
  /** Folders that somebody else may have filled. */
  readonly untrusted: readonly string[];
  readonly exists: (path: string) => boolean;
}

/** Those on the PATH: what people call Python first, then others that lie beside it. */
export function* pythonsOnPath({ path, isWindows, untrusted, exists }: Surroundings): Generator<Candidate> {
  const isTrusted = (folder: string) => isAbsolute(folder) && !untrusted.some((root) => isWithin(folder, root));
  const folders = path.split(delimiter).filter(isTrusted);
  const names = isWindows ? ["python3.exe", "python.exe", "py.exe"] : ["python3", "python", ...NEWEST_FIRST];
  for (const name of names) {
    for (const folder of folders) {
      const file = join(folder, name);
      if (exists(file)) yield { path: file, args: name === "py.exe" ? ["-3"] : [], origin: "PATH" };
    }
  }
}

function isWithin(path: string, folder: string): boolean {
  const from = relative(folder, path);
  return from === "" || !(from.startsWith("..") || isAbsolute(from));
}

/** What the launcher prints. */
type Answer =
  | { readonly version: string; readonly executable: string }
  | { readonly version: string; readonly reason: string; readonly values: readonly string[] };

/** Reads what the launcher says to `--check`. */
export function readVerdict(stdout: string, stderr: string, l10n: Localizer): Verdict {
  const answer = parsed(stdout);
  if (answer === undefined) return { isFit: false, reason: lastLine(stderr) || l10n.t("it does not answer") };
  if ("executable" in answer) return { isFit: true, executable: answer.executable, version: answer.version };
  return {
    isFit: false,
    reason: wordsForReason(answer.reason, answer.version, answer.values, l10n) ?? lastLine(stderr),
  };
}

/** Anything may be called Python, and print anything. */
function parsed(text: string): Answer | undefined {
  try {
    const said: unknown = JSON.parse(text);
    return isAnswer(said) ? said : undefined;
  } catch {
    return undefined;
  }
}

function isAnswer(said: unknown): said is Answer {
  if (typeof said !== "object" || said === null) return false;
  const { version, executable, reason, values } = said as Partial<
    Record<"version" | "executable" | "reason" | "values", unknown>
  >;
  if (typeof version !== "string") return false;
  return typeof executable === "string" || (typeof reason === "string" && Array.isArray(values));
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

/** The launcher's `REASONS`. */
function wordsForReason(
  reason: string,
  version: string,
  [first = "", second = ""]: readonly string[],
  l10n: Localizer,
): string | undefined {
  switch (reason) {
    case "old":
      return l10n.t("Python {0}: {1} or newer is needed", version, first);
    case "module":
      return l10n.t("Python {0}: it was built without {1}", version, first);
    case "unknown":
      return l10n.t("Python {0}: this version of AI Gateway runs on CPython {1} to {2}", version, first, second);
    case "native":
      return l10n.t("Python {0}: what came for this machine can't be loaded: {1}", version, first);
    default:
      return undefined;
  }
}

/** Why there is no Python, in the words of a message. */
export function wordsForRefused(refused: readonly Refused[]): string {
  return refused.map(({ candidate, reason }) => `${candidate.path}: ${reason}`).join("; ");
}
