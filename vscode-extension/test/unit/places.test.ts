import { describe, expect, it } from "vitest";
import { placeOf } from "../../src/credentials/githubPlace";
import { withProxy } from "../../src/credentials/proxy";
import { isLocalAddress, notAName, notAnAddress, PRESETS } from "../../src/credentials/serviceNames";

describe("the GitHub whose session is lent", () => {
  it.each(["https://github.com", "", "nonsense"])("is github.com where the settings say %j", (serverUrl) => {
    expect(placeOf(serverUrl, "")).toEqual({ provider: "github", host: "github.com" });
  });

  it("is the enterprise where VS Code signs in at the same", () => {
    const place = placeOf("https://acme.ghe.com", "https://acme.ghe.com/");
    expect(place).toEqual({ provider: "github-enterprise", host: "acme.ghe.com" });
  });

  it.each(["", "https://other.ghe.com", "https://github.com"])("is none where VS Code signs in at %j", (uri) => {
    expect(placeOf("https://acme.ghe.com", uri)).toBeUndefined();
  });
});

describe("the editor's proxy", () => {
  const editors = { proxy: "http://proxy:3128", noProxy: ["intra"], proxySupport: "override" };

  it("serves those who set none for the gateway", () => {
    expect(withProxy({ order: ["local"] }, editors)).toEqual({
      order: ["local"],
      network: { proxy: "http://proxy:3128", no_proxy: ["intra"] },
    });
  });

  it("leaves what the person set, and the hosts that they reach without it", () => {
    const own = { network: { proxy: "http://own:1" } };
    expect(withProxy(own, editors)).toBe(own);
    expect(withProxy({ network: { no_proxy: ["a"] } }, editors)).toEqual({
      network: { no_proxy: ["a"], proxy: "http://proxy:3128" },
    });
  });

  it("is not used where the editor uses none", () => {
    expect(withProxy({}, { ...editors, proxySupport: "off" })).toEqual({});
    expect(withProxy({}, { ...editors, proxy: "" })).toEqual({});
    expect(withProxy({}, { ...editors, proxy: undefined })).toEqual({});
  });
});

describe("a service of one's own", () => {
  it("has a name that no tier has", () => {
    expect(notAName("openai", {})).toBe("taken");
    expect(notAName("groq", { groq: {} })).toBe("taken");
    expect(notAName("groq", {})).toBeUndefined();
  });

  it.each([
    ["https://api.groq.com/openai/v1", undefined],
    ["http://127.0.0.1:1234/v1", undefined],
    ["api.groq.com", "address"],
    ["https://", "address"],
    ["https://user:password@host/v1", "address"],
    ["file:///etc/passwd", "address"],
  ])("has an address: %s", (text, problem) => {
    expect(notAnAddress(text)).toBe(problem);
  });

  it("counts as local only on this machine", () => {
    const local = PRESETS.filter(({ baseUrl }) => isLocalAddress(baseUrl)).map(({ name }) => name);
    expect(local).toEqual(["lmstudio", "llamacpp", "vllm"]);
    expect(isLocalAddress("http://127.0.0.1.example.com/v1")).toBe(false);
    expect(isLocalAddress("http://localhost:1/v1")).toBe(true);
    expect(isLocalAddress("http://[::1]:1/v1")).toBe(true);
  });

  it("never has a preset that could not be entered", () => {
    for (const { name, baseUrl } of PRESETS) {
      expect([notAName(name, {}), notAnAddress(baseUrl)]).toEqual([undefined, undefined]);
    }
  });
});
