/** Writes down what goes over the wire, for whoever looks for a fault in it: never a credential. */

import type { Message, MessageReader, MessageWriter } from "vscode-languageserver-protocol/node";
import type { Redactor } from "./redact";

/** The setting `aiGateway.trace.server`. */
export type TraceLevel = "off" | "messages" | "verbose";

export interface Trace {
  readonly level: TraceLevel;
  readonly redactor: Redactor;
  write(line: string): void;
}

interface Transports {
  readonly reader: MessageReader;
  readonly writer: MessageWriter;
}

/** The same two, which also tell the trace of each message. */
export function traced({ reader, writer }: Transports, trace: Trace): Transports {
  const listen = reader.listen.bind(reader);
  reader.listen = (callback) =>
    listen((message) => {
      note(trace, "←", message);
      callback(message);
    });
  const write = writer.write.bind(writer);
  writer.write = (message) => {
    note(trace, "→", message);
    return write(message);
  };
  return { reader, writer };
}

function note(trace: Trace, direction: string, message: Message): void {
  if (trace.level === "off") return;
  const whole = trace.level === "verbose" ? ` ${trace.redactor.hide(JSON.stringify(message))}` : "";
  trace.write(`${direction} ${titleOf(message)}${whole}`);
}

/** Says which message it is: its method, its id, or both. */
export function titleOf(message: object): string {
  const { method, id, error } = message as { method?: string; id?: number | string; error?: { code: number } };
  const number = id === undefined ? "" : ` (${id})`;
  if (method !== undefined) return `${method}${number}`;
  return error === undefined ? `result${number}` : `error ${error.code}${number}`;
}
