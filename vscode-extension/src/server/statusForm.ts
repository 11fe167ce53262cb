/** A server that was installed apart from the extension may be of any version. */

import type { HealthSummary } from "../generated/messages";

type Fields = Readonly<Partial<Record<"status" | "providers" | "problems" | "name", unknown>>>;

/** Whether what came as the status has what all that shows it relies on. */
export function isStatus(said: unknown): said is HealthSummary {
  if (!isObject(said)) return false;
  const { status, providers, problems } = said;
  const isListed =
    Array.isArray(providers) && providers.every((each) => isObject(each) && typeof each.name === "string");
  return isListed && Array.isArray(problems) && typeof status === "string";
}

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null;
