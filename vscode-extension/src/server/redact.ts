/** Keeps credentials out of what is written down. */

const CREDENTIAL = /(key|token|secret|password|authorization)$/i;
const IN_URL = /:\/\/(?:[^/@\s]*:)?([^/@\s]+)@/g;
const SHORTEST = 4;
const HIDDEN = "…";

/** Knows the credentials that were handed to the server, and hides them wherever they turn up. */
export class Redactor {
  readonly #secrets = new Set<string>();

  /** Take in what the server is told: what stands under a name such as `api_key`, and passwords within addresses. */
  learn(settings: unknown, name = ""): void {
    if (typeof settings === "string") this.#learnText(settings, name);
    else if (typeof settings === "object" && settings !== null) {
      for (const [inner, value] of Object.entries(settings)) this.learn(value, inner);
    }
  }

  hide(text: string): string {
    const longestFirst = [...this.#secrets].sort((one, other) => other.length - one.length); // one may begin another
    return longestFirst.reduce((hidden, secret) => hidden.replaceAll(secret, HIDDEN), text);
  }

  #learnText(text: string, name: string): void {
    if (CREDENTIAL.test(name)) this.#keep(text);
    for (const [, password] of text.matchAll(IN_URL)) this.#keep(password ?? "");
  }

  #keep(secret: string): void {
    if (secret.length < SHORTEST) return;
    this.#secrets.add(secret);
    this.#secrets.add(JSON.stringify(secret).slice(1, -1));
  }
}
