/** The answer view's place in the extension: the view, and the commands that ask. */

import * as vscode from "vscode";
import type { Gateway } from "../server/gateway";
import { AnswerSession, type Answers, type Question } from "./answers";
import { contextOfArgument } from "./codeContext";
import { VIEW } from "./view";

/** Offer to ask; nothing is shown or asked before somebody does. */
export function registerAnswers(context: vscode.ExtensionContext, gateway: Gateway): Answers {
  const session = new AnswerSession(context.extensionUri, gateway);
  const commands: Record<string, (argument?: unknown) => unknown> = {
    "aiGateway.ask": (argument) => session.ask(questionOf(argument)),
    "aiGateway.explain": (argument) => session.ask({ ...questionOf(argument), kind: "explain" }),
    "aiGateway.newConversation": () => startOver(session),
    "aiGateway.showAnswer": () => session.view.focus(),
    "aiGateway.stop": () => stopAll(session, gateway),
  };
  context.subscriptions.push(
    session,
    vscode.window.registerWebviewViewProvider(VIEW, session.view),
    ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
  );
  return session;
}

/** A command is given a question, what the server's code actions give, or what a menu gives, which says nothing. */
function questionOf(argument: unknown): Question {
  if (typeof argument === "string") return { question: argument };
  const context = contextOfArgument(argument);
  const { question } = (argument ?? {}) as { readonly question?: unknown };
  return { ...(typeof question === "string" ? { question } : {}), ...(context ? { context } : {}) };
}

async function startOver(session: AnswerSession): Promise<void> {
  session.startOver();
  await session.view.focus();
}

/** End the answer here, and whatever the server is writing into documents. */
async function stopAll(session: AnswerSession, gateway: Gateway): Promise<void> {
  session.stop();
  if (gateway.state.kind === "running") await gateway.execute("aiGateway.stop");
}
