/** Lends the server the GitHub session of VS Code: in memory, to its own host, as long as the person is signed in. */

import * as vscode from "vscode";
import { type Gateway, GatewayError } from "../server/gateway";
import { type GitHubPlace, placeOf, SCOPES } from "./githubPlace";

/** Kept where the person has signed out of the gateway, but not of VS Code: among secrets, for these tell every window. */
const SIGNED_OUT = "aiGateway.signedOut";

export class GitHubSession implements vscode.Disposable {
  #lent: string | undefined;
  readonly #following: vscode.Disposable;

  constructor(
    private readonly gateway: Gateway,
    private readonly secrets: vscode.SecretStorage,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.#following = vscode.Disposable.from(
      gateway.onDidChangeState(() => {
        this.#lent = undefined;
        void this.#follow();
      }),
      secrets.onDidChange(({ key }) => {
        if (key === SIGNED_OUT) void this.#follow();
      }),
      vscode.authentication.onDidChangeSessions(({ provider }) => {
        if (provider.id === placeNow()?.provider) void this.#follow();
      }),
      vscode.workspace.onDidChangeConfiguration((change) => {
        const isAboutHosts = ["aiGateway.copilot.serverUrl", "github-enterprise.uri"].some((name) =>
          change.affectsConfiguration(name),
        );
        if (isAboutHosts) void this.#follow();
      }),
    );
    void this.#follow();
  }

  /** Ask the person for their session and lend it. Gives the account's name; throws what went wrong, in words. */
  async lend(): Promise<string> {
    const place = placeNow();
    if (place === undefined) {
      throw new Error(
        vscode.l10n.t(
          'VS Code signs in to another GitHub. Set "github-enterprise.uri" to the address of "aiGateway.copilot.serverUrl".',
        ),
      );
    }
    const session = (await consented(place)) ?? (await asked(place));
    await this.#hand(session, place);
    await this.secrets.delete(SIGNED_OUT);
    return session.account.label;
  }

  /** Take it back, and do not lend it again before the person says so. */
  async takeBack(): Promise<void> {
    await this.secrets.store(SIGNED_OUT, "yes");
    this.#lent = undefined;
  }

  dispose(): void {
    this.#following.dispose();
  }

  /** Without a question: what the person has agreed to before is lent, what has ended is taken back. */
  async #follow(): Promise<void> {
    if (!isReal(this.gateway)) return;
    const place = placeNow();
    try {
      const session = place && (await consented(place));
      const isSignedOut = (await this.secrets.get(SIGNED_OUT)) !== undefined;
      if (!isReal(this.gateway)) return; // any more
      if (place && session && !isSignedOut) await this.#hand(session, place);
      else await this.#end();
    } catch (error) {
      this.log.info(`the GitHub session of VS Code is not used: ${wordsOf(error)}`);
    }
  }

  async #hand({ accessToken }: vscode.AuthenticationSession, { host }: GitHubPlace): Promise<void> {
    if (accessToken === this.#lent) return;
    await this.gateway.request("ai/signIn", { provider: "copilot", token: accessToken, host });
    this.#lent = accessToken;
  }

  async #end(): Promise<void> {
    if (this.#lent === undefined) return;
    this.#lent = undefined;
    await this.gateway.request("ai/signOut", { session_only: true });
  }
}

/** A message that is safe to show: the server's, or the editor's. */
export function wordsOf(error: unknown): string {
  return error instanceof GatewayError || error instanceof Error ? error.message : String(error);
}

/** Whether there is a server, and no simulated one. */
function isReal({ state }: Gateway): boolean {
  return state.kind === "running" && !state.simulated;
}

function placeNow(): GitHubPlace | undefined {
  const { workspace } = vscode;
  const serverUrl = workspace.getConfiguration("aiGateway").get<string>("copilot.serverUrl", "");
  return placeOf(serverUrl, workspace.getConfiguration("github-enterprise").get<string>("uri", ""));
}

/** A session whose use the person has agreed to. */
async function consented({ provider }: GitHubPlace): Promise<vscode.AuthenticationSession | undefined> {
  for (const scopes of SCOPES) {
    const session = await vscode.authentication.getSession(provider, scopes, { silent: true });
    if (session) return session;
  }
  return undefined;
}

function asked({ provider }: GitHubPlace): Thenable<vscode.AuthenticationSession> {
  const detail = vscode.l10n.t("AI Gateway asks GitHub Copilot with it. It is kept in memory only.");
  return vscode.authentication.getSession(provider, SCOPES[0] ?? [], { createIfNone: { detail } });
}
