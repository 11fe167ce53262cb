/** Which of VS Code's sign-ins belongs to the GitHub that Copilot is asked at. */

export interface GitHubPlace {
  /** The authentication provider of VS Code. */
  readonly provider: "github" | "github-enterprise";
  /** The web host that a session of it belongs to. */
  readonly host: string;
}

const GITHUB = "github.com";

/**
 * Find it by the settings `aiGateway.copilot.serverUrl` and `github-enterprise.uri`.
 * Undefined: VS Code signs in elsewhere, and a token must not go to another host than its own.
 */
export function placeOf(serverUrl: string, enterpriseUri: string): GitHubPlace | undefined {
  const host = hostOf(serverUrl) ?? GITHUB;
  if (host === GITHUB) return { provider: "github", host };
  return hostOf(enterpriseUri) === host ? { provider: "github-enterprise", host } : undefined;
}

/**
 * What is asked of GitHub, most modest first: enough to exchange a session for one of Copilot.
 * The others are what VS Code's own Copilot asks for, so that a session that it has can be shared.
 */
export const SCOPES: readonly (readonly string[])[] = [
  ["user:email"],
  ["read:user"],
  ["read:user", "user:email", "repo", "workflow"],
];

function hostOf(address: string): string | undefined {
  return URL.parse(address)?.host;
}
