/** What the server writes to standard error: `12:00:01 WARNING ai_gateway.lsp.run: words`. */

export type LogLevel = "debug" | "info" | "warn" | "error";

const LINE = /^\d\d:\d\d:\d\d (DEBUG|INFO|WARNING|ERROR|CRITICAL) +(.*)$/;
const LEVELS: Readonly<Record<string, LogLevel>> = {
  DEBUG: "debug",
  INFO: "info",
  WARNING: "warn",
  ERROR: "error",
  CRITICAL: "error",
};

/** One line without what the log says anyway; what is not the server's own form is Python's, about a fault. */
export function parseLine(line: string): { level: LogLevel; text: string } {
  const [, level, text] = LINE.exec(line) ?? [];
  return { level: LEVELS[level ?? ""] ?? "warn", text: text ?? line };
}
