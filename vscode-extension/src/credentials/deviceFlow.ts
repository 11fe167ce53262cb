/** Signing in with a code that is entered on GitHub's page, on whichever machine there is a browser. */

import * as vscode from "vscode";
import type { Gateway } from "../server/gateway";

interface Code {
  readonly text: string;
  readonly page: string;
}

/** Returns when the sign-in has ended, well or not: the server tells people so itself. Throws where there is no code. */
export async function signInByCode(gateway: Gateway): Promise<void> {
  const begun = await gateway.request("ai/signIn", { provider: "copilot" });
  if (begun.user_code === null || begun.verification_uri === null) return;
  const code = { text: begun.user_code, page: begun.verification_uri };
  const givingUp = new vscode.CancellationTokenSource();
  const over = new vscode.CancellationTokenSource();
  const end = gateway
    .request("ai/signIn", { provider: "copilot", wait: true }, givingUp.token)
    .then(undefined, () => undefined)
    .finally(() => over.cancel());
  if (await wantsToGoOn(code, over.token)) await waited(code, end, givingUp);
  else givingUp.cancel();
  await end;
  givingUp.dispose();
  over.dispose();
}

/** False: the person has given up. */
async function wantsToGoOn({ text, page }: Code, over: vscode.CancellationToken): Promise<boolean> {
  const open = vscode.l10n.t("$(copy) Copy {0} and open {1}", text, page.replace(/^https:\/\//, ""));
  const copy = vscode.l10n.t("$(clippy) Copy {0}, for a browser on another machine", text);
  const chosen = await vscode.window.showQuickPick(
    [open, copy],
    {
      title: vscode.l10n.t("Sign In to GitHub Copilot with the Code {0}", text),
      placeHolder: vscode.l10n.t("GitHub names the app that Copilot's editor plugins share. Escape gives up."),
      ignoreFocusOut: true,
    },
    over,
  );
  if (over.isCancellationRequested) return true;
  if (chosen === undefined) return false;
  await vscode.env.clipboard.writeText(text);
  if (chosen === open) await vscode.env.openExternal(vscode.Uri.parse(page));
  return true;
}

async function waited({ text, page }: Code, end: Promise<unknown>, givingUp: vscode.CancellationTokenSource) {
  await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t("Waiting until {0} is entered at {1}", text, page),
      cancellable: true,
    },
    async (_, cancelled) => {
      cancelled.onCancellationRequested(() => givingUp.cancel());
      await end;
    },
  );
}
