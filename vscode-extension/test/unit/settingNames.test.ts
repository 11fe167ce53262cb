import { expect, test } from "vitest";
import { serverName, serverSettingKeys, toServerSettings, valueIn } from "../../src/server/settingNames";

test("a setting's name is spelled as the server spells it", () => {
  expect(serverName("apiUrl")).toBe("api_url");
  expect(serverName("firstTokenSeconds")).toBe("first_token_seconds");
  expect(serverName("order")).toBe("order");
});

test("a setting is found in its section, and nothing where there is none", () => {
  const section = { copilot: { apiUrl: "https://a.example" }, order: ["local"], cloud: "no section" };
  expect(valueIn(section, "copilot.apiUrl")).toBe("https://a.example");
  expect(valueIn(section, "order")).toEqual(["local"]);
  expect(valueIn(section, "copilot.model")).toBeUndefined();
  expect(valueIn(section, "cloud.model")).toBeUndefined();
  expect(valueIn(undefined, "order")).toBeUndefined();
});

test("settings are put into sections, and their values stay as they are", () => {
  const services = { groq: { base_url: "https://api.groq.com", apiKey: "kept as it is" } };
  expect(
    toServerSettings([
      ["order", ["local"]],
      ["copilot.apiUrl", "https://a.example"],
      ["copilot.model", "gpt-4o"],
      ["services", services],
    ]),
  ).toEqual({ order: ["local"], copilot: { api_url: "https://a.example", model: "gpt-4o" }, services });
});

test("a setting that nobody set is left out, one that is null or false is not", () => {
  const values = [
    ["cache.enabled", false],
    ["emergency", null],
    ["local.model", undefined],
  ] as const;
  expect(toServerSettings(values)).toEqual({ cache: { enabled: false }, emergency: null });
});

test("the extension's own settings are not the server's", () => {
  const contributed = ["aiGateway.order", "aiGateway.server.python", "aiGateway.terminal.enabled", "other.thing"];
  expect(serverSettingKeys(contributed)).toEqual(["order"]);
});
