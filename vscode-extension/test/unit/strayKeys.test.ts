import { describe, expect, it } from "vitest";
import { STRAY_SETTINGS, strayKeysOf, takeable } from "../../src/credentials/strayKeys";

describe("keys in settings.json", () => {
  it("are looked for in both spellings, for each provider", () => {
    expect(STRAY_SETTINGS).toContainEqual({ setting: "openai.apiKey", name: "openai.api_key" });
    expect(STRAY_SETTINGS).toContainEqual({ setting: "gemini.api_key", name: "gemini.api_key" });
    expect(STRAY_SETTINGS).toHaveLength(8);
  });

  it("of services are found, and the services left without them", () => {
    const services = {
      groq: { baseUrl: "https://g/v1", model: "m", apiKey: "gsk_1" },
      lmstudio: { baseUrl: "http://127.0.0.1:1234/v1", model: "q" },
      other: { api_key: "k2" },
    };
    expect(strayKeysOf(services)).toEqual({
      keys: [
        { setting: "services", name: "services.groq.api_key", key: "gsk_1" },
        { setting: "services", name: "services.other.api_key", key: "k2" },
      ],
      cleaned: {
        groq: { baseUrl: "https://g/v1", model: "m" },
        lmstudio: { baseUrl: "http://127.0.0.1:1234/v1", model: "q" },
        other: {},
      },
    });
  });

  it("are no empty texts, and nothing that is no text", () => {
    expect(strayKeysOf({ a: { apiKey: "  " }, b: { apiKey: 7 }, c: null, d: "x" }).keys).toEqual([]);
  });

  it("of a workspace do not take the place of one that is kept, and the person's own do", () => {
    const own = { name: "openai.api_key", level: { isOwn: true } };
    const others = { name: "openai.api_key", level: { isOwn: false } };
    expect(takeable([own, others], ["openai.api_key"])).toEqual([own]);
    expect(takeable([own, others], ["gemini.api_key"])).toEqual([own, others]);
  });
});
