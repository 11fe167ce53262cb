/** Which of several Pythons runs the server: the first that can. */

import { delimiter, isAbsolute, join, relative } from "node:path";

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

/** Reads what the launcher says to `--check`. */
export function readVerdict(stdout: string, stderr: string): Verdict {
  try {
    const { executable, version } = JSON.parse(stdout) as { executable: string; version: string };
    return { isFit: true, executable, version };
  } catch {
    return { isFit: false, reason: stderr.trim().split("\n").at(-1) || "it does not answer" };
  }
}

/** Why there is no Python, in the words of a message. */
export function wordsForRefused(refused: readonly Refused[]): string {
  return refused.map(({ candidate, reason }) => `${candidate.path}: ${reason}`).join("; ");
}
