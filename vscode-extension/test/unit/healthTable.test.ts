import { expect, it } from "vitest";
import { healthTable } from "../../src/models/healthTable";
import { manner, open, provider, summary } from "./support/status";

const table = (...providers: Parameters<typeof summary>[0]) =>
  healthTable(summary(providers), manner).split("\n").slice(2);

it("providers are told of in the words of the status bar's hover", () => {
  expect(
    table(
      open("copilot", "rate", 300),
      provider("openai", { state: "half_open", reason: "outage" }),
      provider("gemini", { reason: "not_configured", hint: "set GEMINI_API_KEY" }),
      provider("ollama", { reachable: true }),
    ),
  ).toEqual([
    "| Copilot | gpt\\-4o | limited until 14:05 · wants no more requests for now |",
    "| OpenAI | gpt\\-4o\\-mini | to be tried again · is tried with the next question |",
    "| Gemini |  | not set up · set GEMINI\\_API\\_KEY |",
    "| Ollama | llama3 | ready |",
  ]);
});

it("an editor that lends nothing has no row, and one that does has its name", () => {
  expect(table(provider("editor", { reason: "not_configured" }), provider("ollama"))).toHaveLength(1);
  expect(table(provider("editor", { model: "gpt-4.1" }))).toEqual(["| Copilot in VS Code | gpt\\-4.1 | ready |"]);
});

it("who was just found to be out of reach is not called ready, though no question has failed yet", () => {
  const away = provider("ollama", { reachable: false, hint: "start Ollama" });
  expect(table(away)).toEqual(["| Ollama | llama3 | can't be reached · start Ollama |"]);
});
