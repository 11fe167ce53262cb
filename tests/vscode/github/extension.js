// One account, and one token for it, which the tests know. Who asks for a session gets it; what is asked, VS Code asks.

const vscode = require("vscode");

const TOKEN = "gho_of_vscode";
const KEPT = "sessions";

exports.activate = (context) => {
  const changed = new vscode.EventEmitter();
  const kept = () => context.globalState.get(KEPT, []);
  const key = (scopes) => [...scopes].sort().join(" ");

  async function keep(sessions, change) {
    await context.globalState.update(KEPT, sessions);
    changed.fire({ added: [], removed: [], changed: [], ...change });
  }

  const provider = {
    onDidChangeSessions: changed.event,
    getSessions: async (scopes) => kept().filter((session) => !scopes || key(session.scopes) === key(scopes)),
    createSession: async (scopes) => {
      const account = { id: "1", label: "octocat" };
      const session = { id: key(scopes), accessToken: TOKEN, account, scopes: [...scopes] };
      await keep([...kept(), session], { added: [session] });
      return session;
    },
    removeSession: async (id) => {
      const removed = kept().filter((session) => session.id === id);
      await keep(
        kept().filter((session) => session.id !== id),
        { removed },
      );
    },
  };

  context.subscriptions.push(
    vscode.authentication.registerAuthenticationProvider("github", "GitHub", provider),
    vscode.commands.registerCommand("github.signOut", () => keep([], { removed: kept() })),
  );
};
