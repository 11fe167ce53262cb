/** A small program that runs the server's command line by its name, `ai-gateway`, which the server's own hints use. */

import type { Launch } from "./process";

export interface Shim {
  readonly name: string;
  readonly text: string;
}

/** Make the shim of a platform; it hands on every argument. `home` is the user's folder. */
export function shimFor({ command, args }: Pick<Launch, "command" | "args">, platform: string, home: string): Shim {
  const words = [command, ...args];
  return platform === "win32"
    ? { name: "ai-gateway.cmd", text: `@${words.map((word) => quotedInBatch(word, home)).join(" ")} %*\r\n` }
    : { name: "ai-gateway", text: `#!/bin/sh\nexec ${words.map(quotedInShell).join(" ")} "$@"\n` };
}

const quotedInShell = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** The user's folder is left to its variable: batch files are read in an old character set that may lack its letters. */
function quotedInBatch(word: string, home: string): string {
  const parts = word.split(home).map((part) => part.replaceAll("%", "%%").replaceAll('"', '\\"'));
  return `"${parts.join("%USERPROFILE%")}"`;
}
