/** The answer view's session: the conversation, and what the person does with it. */

import * as vscode from "vscode";
import { showPage } from "../pages";
import type { Gateway } from "../server/gateway";
import { mannerNow } from "../status/watch";
import type { Banner, ComposerView, ToHost, TurnView, ViewState } from "../webview/answer/messages";
import { applyTo, insertAtCursor, openAsNewFile } from "./apply";
import { Asking, type Listener, type Prompt } from "./asking";
import { type CodeContext, chipOf, contextOf, showRegion, spotInFront, spotOf } from "./codeContext";
import { Conversation } from "./conversation";
import { isWritable } from "./documents";
import { openLink } from "./links";
import { promptOf, titleOf, type Wanted } from "./prompts";
import { strings } from "./strings";
import { type Asked, asked, isOver, queryIdOf, type Region, type Turn } from "./turn";
import { announcement, standingViews, turnView, waitingInWords } from "./turnView";
import { AnswerView, type Session } from "./view";

/** What is to be asked. Without a question, and if none is in its kind, the person is asked for one. */
export interface Question {
  readonly question?: string;
  /** Null: about no code. Without it, about what is in front. */
  readonly context?: CodeContext | null;
  readonly kind?: "ask" | "explain";
}

/** What the rest of the extension may do with the answer view. */
export interface Answers {
  /** How many answers have been begun, whoever asked. */
  readonly begun: number;
  ask(question: Question): Promise<void>;
  /** Show a line above the conversation; null takes it away. */
  setBanner(banner: Banner | null): void;
}

type FromPage = Exclude<ToHost, { kind: "ready" }>;
type Handlers = { [K in FromPage["kind"]]: (message: Extract<FromPage, { kind: K }>) => unknown };

const OWN_COMMANDS = "aiGateway.";

export class AnswerSession implements Answers, Session, Listener, vscode.Disposable {
  readonly view: AnswerView;
  begun = 0;
  private readonly conversation = new Conversation();
  private readonly asking: Asking;
  /** What each turn was made of, to ask it again. */
  private readonly wanted = new Map<number, Wanted>();
  private readonly earlier: string[] = [];
  private readonly listening: vscode.Disposable[];
  private attached: CodeContext | undefined;
  private draft = "";
  private isPrivate = false;
  private banner: Banner | null = null;

  constructor(
    extensionUri: vscode.Uri,
    private readonly gateway: Gateway,
  ) {
    this.view = new AnswerView(extensionUri, this);
    this.asking = new Asking(gateway, this.conversation, this);
    this.listening = [
      gateway.onDidChangeStatus(() => this.showStatus()),
      vscode.window.onDidChangeActiveTextEditor(() => this.showComposer()),
      vscode.window.onDidChangeActiveNotebookEditor(() => this.showComposer()),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => this.follow(textEditor)),
      vscode.window.onDidChangeNotebookEditorSelection(() => this.showComposer()),
    ];
  }

  dispose(): void {
    this.stop();
    for (const each of this.listening) each.dispose();
  }

  async ask({ question, context, kind = "ask" }: Question): Promise<void> {
    const code = context === null ? undefined : (context ?? inFront());
    if (kind === "explain") return code ? this.explain(code, question) : tellToOpen();
    const isOnItsWay = question !== undefined;
    await this.view.focus(isOnItsWay || code || context === null ? "" : whyNoCode());
    if (isOnItsWay) return this.begin({ question, code, kind: "ask" });
    this.attach(code);
  }

  setBanner(banner: Banner | null): void {
    this.banner = banner;
    this.view.post({ kind: "banner", banner });
  }

  startOver(): void {
    this.stop();
    this.conversation.clear();
    this.wanted.clear();
    this.attached = undefined;
    this.view.post({ kind: "state", state: this.state() });
  }

  stop(): void {
    this.asking.stop();
  }

  state(): ViewState {
    return {
      strings: strings(vscode.l10n, process.platform === "darwin"),
      turns: this.conversation.turns.map((turn) => this.viewOf(turn)),
      composer: this.composer(),
      draft: this.draft,
      banner: this.banner,
      standings: standingViews(this.gateway.status, this.isPrivate, mannerNow()),
      asked: this.earlier,
    };
  }

  changed(turn: Turn): void {
    this.view.post({ kind: "turn", turn: this.viewOf(turn) });
    this.view.post({ kind: "announce", text: announcement(turn, vscode.l10n) });
    void vscode.commands.executeCommand("setContext", "aiGateway.isAnswering", !isOver(turn));
  }

  grew({ id }: Turn, text: string): void {
    this.view.post({ kind: "delta", id, text });
  }

  receive(message: FromPage): void {
    const handle = this.handlers[message.kind] as (message: FromPage) => unknown;
    void this.noticing(async () => handle(message));
  }

  private readonly handlers: Handlers = {
    ask: ({ question }) => this.begin({ question, code: this.attached, kind: "ask" }),
    stop: () => this.stop(),
    leave: () => vscode.commands.executeCommand("workbench.action.focusActiveEditorGroup"),
    again: ({ id, isFresh }) => this.again(id, isFresh),
    trace: ({ id, sent }) => this.showTrace(id, sent),
    show: ({ id }) => this.withRegion(id, showRegion),
    open: ({ href }) => openLink(href),
    copy: ({ text }) => vscode.env.clipboard.writeText(text),
    insert: ({ text }) => insertAtCursor(text),
    apply: ({ id, text }) => this.withRegion(id, (region) => applyTo(region, text)),
    newFile: ({ text, language }) => openAsNewFile(text, language),
    run: ({ command, argument }) => run(command, argument),
    private: ({ isOn }) => this.setPrivate(isOn),
    attach: () => this.attach(inFront()),
    detach: () => this.attach(undefined),
    draft: ({ text }) => {
      this.draft = text;
    },
  };

  /** Do what the page asked for; a text that it gives, or an error, is shown there. */
  private async noticing(act: () => Promise<unknown>): Promise<void> {
    try {
      const problem = await act();
      if (typeof problem === "string") this.view.post({ kind: "notice", text: problem });
    } catch (error) {
      this.view.post({ kind: "notice", text: error instanceof Error ? error.message : String(error) });
    }
  }

  private async explain(code: CodeContext, question = titleOf(code)): Promise<void> {
    await this.view.focus();
    await this.begin({ question, code, kind: "explain" });
  }

  private async begin(wanted: Wanted): Promise<void> {
    const { question, code } = wanted;
    const id = this.conversation.nextId();
    this.wanted.set(id, wanted);
    this.earlier.push(question);
    this.draft = "";
    this.attach(undefined);
    const about = code ? chipOf(code.uri, code.range) : undefined;
    const unsent = { id, question, about, prompt: [], paths: [], region: undefined };
    await this.answer(unsent, false);
  }

  private async again(id: number, isFresh: boolean): Promise<void> {
    const turn = this.conversation.find(id);
    if (turn) await this.answer(turn, isFresh);
  }

  private async answer(what: Omit<Asked, "isPrivate" | "askedAt">, isFresh: boolean): Promise<void> {
    this.begun += 1;
    const turn = asked({ ...what, isPrivate: this.composer().isPrivate, askedAt: Date.now() });
    await this.asking.answer(turn, (token) => this.promptFor(turn, token), isFresh);
  }

  /** A prompt is made once; asked again, a question is about the code that it was about. */
  private async promptFor(turn: Turn, token: vscode.CancellationToken): Promise<Prompt> {
    const { prompt: messages, paths, about, region } = turn;
    const wanted = this.wanted.get(turn.id);
    if (messages.length > 0 || !wanted) return { messages, paths, about, region };
    return promptOf(wanted, this.gateway, token);
  }

  private async showTrace(id: number, sent: boolean): Promise<void> {
    const turn = this.conversation.find(id);
    const queryId = turn && queryIdOf(turn);
    if (!queryId) return;
    const told = await this.gateway.request("ai/explain", { query_id: queryId, sent });
    if (sent) await showPage(vscode.l10n.t("What was sent"), told.sent_page ?? told.sent_note ?? "");
    else await showPage(vscode.l10n.t("How this answer came about"), told.page);
  }

  private async withRegion<T>(id: number, act: (region: Region) => Promise<T>): Promise<T | undefined> {
    const region = this.conversation.regionFor(id);
    return region ? act(region) : undefined;
  }

  private attach(code: CodeContext | undefined): void {
    this.attached = code;
    this.showComposer();
  }

  private setPrivate(isOn: boolean): void {
    this.isPrivate = isOn;
    this.showStatus();
  }

  /** The code that will be asked about is what is selected, until the question is sent. */
  private follow(editor: vscode.TextEditor): void {
    const isSame = this.attached?.uri.toString() === editor.document.uri.toString();
    if (isSame && !editor.selection.isEmpty) this.attached = contextOf(spotOf(editor));
    this.showComposer();
  }

  private showStatus(): void {
    const standings = standingViews(this.gateway.status, this.isPrivate, mannerNow());
    this.view.post({ kind: "standings", standings });
    this.showComposer();
    const { last } = this.conversation;
    if (last?.phase === "waiting") this.view.post({ kind: "turn", turn: this.viewOf(last) });
  }

  private showComposer(): void {
    this.view.post({ kind: "composer", composer: this.composer() });
  }

  private composer(): ComposerView {
    const attachable = spotInFront();
    const isAlwaysPrivate = this.gateway.status?.private ?? false;
    return {
      chip: this.attached ? chipOf(this.attached.uri, this.attached.range) : null,
      attachable: attachable ? chipOf(attachable.document.uri, attachable.range) : null,
      isPrivate: this.isPrivate || isAlwaysPrivate,
      isAlwaysPrivate,
    };
  }

  private viewOf(turn: Turn): TurnView {
    const region = this.conversation.regionFor(turn.id);
    const surroundings = {
      canApply: region !== undefined && isWritable(vscode.Uri.parse(region.uri)),
      waiting: waitingInWords(this.gateway.status, turn.isPrivate, mannerNow()),
      leftOutBefore: this.conversation.leftOutBefore(turn),
    };
    return turnView(turn, surroundings, mannerNow());
  }
}

function inFront(): CodeContext | undefined {
  const spot = spotInFront();
  return spot && contextOf(spot);
}

/** Where nothing is open, nobody expects that code goes along. */
function whyNoCode(): string {
  const isSomethingOpen = vscode.window.tabGroups.activeTabGroup.activeTab !== undefined;
  return isSomethingOpen ? vscode.l10n.t("No code goes along with the question: what is in front is no text.") : "";
}

function tellToOpen(): void {
  void vscode.window.showInformationMessage(vscode.l10n.t("Open the file first that this is about."));
}

async function run(command: string, argument: unknown): Promise<void> {
  if (command.startsWith(OWN_COMMANDS)) await vscode.commands.executeCommand(command, argument);
}
