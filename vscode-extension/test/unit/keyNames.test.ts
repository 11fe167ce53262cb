import { describe, expect, it } from "vitest";
import {
  KEY_KINDS,
  kindNamed,
  kindOf,
  kindOfService,
  looksForeign,
  notAKey,
  withKeys,
} from "../../src/credentials/keyNames";

const OPENAI = kindOf("openai.api_key");
const ANTHROPIC = kindOf("anthropic.api_key");
const AZURE = kindOf("azure.api_key");

describe("a provider whose key is to be entered", () => {
  it.each([
    ["openai", "openai.api_key"],
    ["groq", "services.groq.api_key"],
    ["ollama", undefined],
    ["constructor", undefined],
    [undefined, undefined],
    [{ uri: "file:///a" }, undefined],
  ])("is known by its name: %j", (provider, name) => {
    expect(kindNamed(provider, { groq: {} })?.name).toBe(name);
  });
});

describe("keys among settings", () => {
  it("stand where the server looks for them, beside what the person set", () => {
    const settings = { openai: { model: "gpt-x" }, services: { groq: { baseUrl: "https://g/v1", model: "m" } } };
    const all = withKeys(settings, [
      ["openai.api_key", "sk-1"],
      ["services.groq.api_key", "gsk_2"],
      ["anthropic.api_key", "sk-ant-3"],
    ]);
    expect(all).toEqual({
      openai: { model: "gpt-x", api_key: "sk-1" },
      services: { groq: { baseUrl: "https://g/v1", model: "m", api_key: "gsk_2" } },
      anthropic: { api_key: "sk-ant-3" },
    });
    expect(settings).toEqual({
      openai: { model: "gpt-x" },
      services: { groq: { baseUrl: "https://g/v1", model: "m" } },
    });
  });

  it("take the place of one that stands in the settings", () => {
    expect(withKeys({ openai: { api_key: "old" } }, [["openai.api_key", "new"]])).toEqual({
      openai: { api_key: "new" },
    });
  });

  it("keep the name of a service whole, whatever it holds", () => {
    const { name } = kindOfService("my.own service");
    expect(withKeys({}, [[name, "k"]])).toEqual({ services: { "my.own service": { api_key: "k" } } });
    expect(kindOf(name)?.title).toBe("my.own service");
  });

  it("are nothing else that is kept as a secret", () => {
    expect(kindOf("github.token")).toBeUndefined();
    expect(withKeys({}, [["github.token", "t"]])).toEqual({});
    expect(withKeys({}, [["__proto__.api_key", "t"]])).toEqual({});
  });
});

describe("a text that is entered as a key", () => {
  it.each([
    ["", "empty"],
    ["sk-one two", "blank"],
    ["sk-one\n", "blank"],
    ["sk-ключ", "strange"],
    ["sk-proj-A_b.9", undefined],
  ])("%j is %s", (text, problem) => {
    expect(notAKey(text)).toBe(problem);
  });

  it("looks foreign by its beginning, where beginnings are known", () => {
    expect(OPENAI && looksForeign(OPENAI, "AIzaSy")).toBe(true);
    expect(OPENAI && looksForeign(OPENAI, "sk-proj-1")).toBe(false);
    expect(ANTHROPIC && looksForeign(ANTHROPIC, "sk-proj-1")).toBe(true);
    expect(AZURE && looksForeign(AZURE, "0123")).toBe(false);
    expect(looksForeign(kindOfService("groq"), "anything")).toBe(false);
  });

  it("has a page where there are keys, but for Azure, whose pages are everybody's own", () => {
    expect(KEY_KINDS.filter(({ page }) => page === undefined).map(({ provider }) => provider)).toEqual(["azure"]);
    for (const { page } of KEY_KINDS) expect(page ?? "https://").toMatch(/^https:/);
  });
});
