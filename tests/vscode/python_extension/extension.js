// What the gateway uses of the Python extension: https://github.com/microsoft/vscode-python/wiki/Python-Environment-APIs

const vscode = require("vscode");

const INTERPRETERS = JSON.parse(process.env.INTERPRETERS);

exports.activate = (context) => {
  const changed = new vscode.EventEmitter();
  let chosen = 0;
  const selectNext = () => {
    chosen += 1;
    changed.fire({ path: INTERPRETERS[chosen] });
  };
  context.subscriptions.push(changed, vscode.commands.registerCommand("python.setInterpreter", selectNext));
  return {
    environments: {
      getActiveEnvironmentPath: () => ({ id: INTERPRETERS[chosen], path: INTERPRETERS[chosen] }),
      resolveEnvironment: async ({ path }) => ({ executable: { uri: vscode.Uri.file(path) } }),
      onDidChangeActiveEnvironmentPath: changed.event,
    },
  };
};
