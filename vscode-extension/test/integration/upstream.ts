/** Something with OpenAI's API on this machine, that answers what a test has it answer. */

import { EventEmitter } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Emits `asked` with an `Answer` for each question. */
export class Upstream extends EventEmitter {
  readonly #server = createServer((request, response) => {
    request.resume();
    if (request.method === "POST") request.on("end", () => this.emit("asked", new Answer(response)));
    else response.writeHead(404).end();
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** Emits `left` when nobody waits for it any more. */
class Answer extends EventEmitter {
  constructor(private readonly response: ServerResponse) {
    super();
    response.on("close", () => this.emit("left"));
  }

  write(content: string): void {
    if (!this.response.headersSent) this.response.writeHead(200, { "content-type": "text/event-stream" });
    this.#send(JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] }));
  }

  end(): void {
    this.#send(JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }));
    this.#send("[DONE]");
    this.response.end();
  }

  refuse(status: number): void {
    this.response.writeHead(status, { "content-type": "application/json" }).end('{"error": {"message": "no"}}');
  }

  #send(data: string): void {
    this.response.write(`data: ${data}\n\n`);
  }
}
