/** `$/progress` of `ai/query`, as events. */

import type { DeltaProgress, ResetProgress, StartedProgress } from "../generated/messages";
import type { QueryEvents } from "./gateway";

export type QueryProgress =
  | ({ kind: "started" } & StartedProgress)
  | ({ kind: "delta" } & DeltaProgress)
  | ({ kind: "reset" } & ResetProgress);

export function tellQuery(progress: QueryProgress, events: QueryEvents): void {
  if (progress.kind === "delta") events.delta?.(progress);
  else if (progress.kind === "started") events.started?.(progress);
  else if (progress.kind === "reset") events.reset?.(progress);
}
