import { expect, test } from "vitest";
import { Redactor } from "../../src/server/redact";

test("credentials of settings are hidden wherever they turn up, and nothing else is", () => {
  const redactor = new Redactor();
  redactor.learn({
    openai: { api_key: "sk-secret-1", base_url: "https://api.example" },
    azure: { entra_token: 'with"quote' },
    services: { groq: { api_key: "gsk_secret" } },
    network: { proxy: "http://me:password1@proxy.example:8080" },
  });
  const said = JSON.stringify(["sk-secret-1", 'with"quote', "gsk_secret", "http://me:password1@proxy.example:8080"]);
  expect(redactor.hide(said)).toBe('["…","…","…","http://me:…@proxy.example:8080"]');
  expect(redactor.hide("https://api.example")).toBe("https://api.example");
});

test("a token that is handed over, a name in camel case and a user who is a token are credentials, too", () => {
  const redactor = new Redactor();
  redactor.learn({ provider: "copilot", token: "gho_session", host: "github.com" });
  redactor.learn([{ services: { groq: { apiKey: "gsk_stray" } }, network: { proxy: "http://pat_123@proxy" } }]);
  redactor.learn({ token: "gho_session_and_more" });
  expect(redactor.hide("copilot gho_session github.com gsk_stray pat_123 gho_session_and_more")).toBe(
    "copilot … github.com … … …",
  );
});

test("what is too short to be a credential does not make a log unreadable", () => {
  const redactor = new Redactor();
  redactor.learn({ api_key: "a" });
  expect(redactor.hide("a plain sentence")).toBe("a plain sentence");
});
