/** What the server and the extension say to each other beyond LSP. One table for each direction; docs/interface.md explains them. */

import type { Methods } from "./generated/messages";

type Of<M extends keyof Methods, Part extends string> =
  Methods[M] extends Record<Part, infer Message> ? Message : never;

/** Requests to the server. */
export type RequestMethod = {
  [M in keyof Methods]: Methods[M] extends { params: unknown; result: unknown } ? M : never;
}[keyof Methods];
export type ParamsOf<M extends keyof Methods> = Of<M, "params">;
export type ResultOf<M extends keyof Methods> = Of<M, "result">;

export const STATUS = "ai/status";
/** The server asks one of the editor's own models. */
export const EDITOR_CHAT = "ai/editor/chat";
/** The editor tells which models it lends. */
export const EDITOR_MODELS = "ai/editor/models";
