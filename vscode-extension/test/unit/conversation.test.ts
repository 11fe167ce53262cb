import { describe, expect, it } from "vitest";
import { Conversation } from "../../src/ask/conversation";
import { failureOf } from "../../src/ask/failure";
import { answered, asked, failed, grown, type Region, reset, started, stopped, type Turn } from "../../src/ask/turn";
import { announcement, standingViews, turnView, waitingInWords } from "../../src/ask/turnView";
import type {
  AttemptResult,
  MessageParam,
  NoAnswerData,
  QueryResult,
  StartedProgress,
} from "../../src/generated/messages";
import { GatewayError } from "../../src/server/gateway";
import { l10n, manner, provider, summary } from "./support/status";

const REGION: Region = {
  uri: "file:///shop.py",
  start: { line: 2, character: 0 },
  end: { line: 8, character: 0 },
  text: "x",
};
const COPILOT: StartedProgress = { kind: "started", provider: "copilot", backend: "copilot", model: "gpt-4.1" };
const OPENAI: StartedProgress = { kind: "started", provider: "openai", backend: "cloud", model: "gpt-4o-mini" };
const SURROUNDINGS = { canApply: false, waiting: "Asking", leftOutBefore: 0 };

const user = (content: string): MessageParam => ({ role: "user", content });
const system = (content: string): MessageParam => ({ role: "system", content });

function turn(id: number, prompt: MessageParam[], more: Partial<Turn> = {}): Turn {
  const what = {
    id,
    question: `question ${id}`,
    isPrivate: false,
    askedAt: 0,
    prompt,
    paths: [],
    about: undefined,
    region: undefined,
  };
  return asked({ ...what, ...more });
}

function result(response: string, more: Partial<QueryResult> = {}): QueryResult {
  return {
    response,
    backend: "cloud",
    state: "closed",
    provider: "openai",
    model: "gpt-4o-mini",
    finish_reason: "stop",
    usage: { input_tokens: 1, output_tokens: 1, cached_input_tokens: 0, cache_write_tokens: 0, estimated: false },
    cost_usd: null,
    cached: false,
    stale: false,
    age_seconds: null,
    query_id: "q1",
    elapsed_ms: 1,
    attempts: [],
    tool_calls: [],
    left_out: [],
    byline: "openai (gpt-4o-mini) · 0.0 s",
    ...more,
  };
}

function attempt(name: string, backend: AttemptResult["backend"], reason: string): AttemptResult {
  return { provider: name, backend, model: null, outcome: "failed", reason, elapsed_ms: 1, retry_after_seconds: null };
}

function noAnswer(attempts: AttemptResult[], more: Partial<NoAnswerData> = {}): GatewayError {
  const data = {
    attempts,
    retry_after_seconds: null,
    hint: "start Ollama",
    hints: {},
    reason: null,
    last_answer: null,
    query_id: "q9",
  };
  return new GatewayError("no tier answered", -32050, { ...data, ...more });
}

const view = (of: Turn) => turnView(of, SURROUNDINGS, manner);

describe("a follow-up question", () => {
  it("is sent with what was said before, and its instructions once and first", () => {
    const conversation = new Conversation();
    conversation.put(answered(turn(1, [system("be brief"), user("one")], { paths: ["file:///a"] }), result("first")));
    conversation.put(answered(turn(2, [user("two")]), result("second")));
    const third = turn(3, [system("be brief"), user("three")], { paths: ["file:///a", "file:///b"] });
    conversation.put(third);
    expect(conversation.messagesFor(third)).toEqual([
      system("be brief"),
      user("one"),
      { role: "assistant", content: "first" },
      user("two"),
      { role: "assistant", content: "second" },
      user("three"),
    ]);
    expect(conversation.pathsFor(third)).toEqual(["file:///a", "file:///b"]);
  });

  it("says nothing of a question that nobody answered, and keeps what was stopped halfway", () => {
    const conversation = new Conversation();
    conversation.put(failed(turn(1, [user("failed")]), failureOf(new Error("no"), false, manner)));
    conversation.put(stopped(turn(2, [user("never begun")])));
    conversation.put(stopped(grown(started(turn(3, [user("halfway")]), COPILOT), "so f")));
    const last = turn(4, [user("now")]);
    conversation.put(last);
    expect(conversation.messagesFor(last)).toEqual([
      user("halfway"),
      { role: "assistant", content: "so f" },
      user("now"),
    ]);
  });

  it("quotes what was private only where it is private itself", () => {
    const conversation = new Conversation();
    const secret = { isPrivate: true, paths: ["file:///secret"] };
    conversation.put(answered(turn(1, [user("my secret")], secret), result("your secret")));
    conversation.put(answered(turn(2, [user("open")]), result("opened")));
    const exchange = [user("open"), { role: "assistant", content: "opened" }];
    const open = turn(3, [user("now")]);
    expect(conversation.messagesFor(open)).toEqual([...exchange, user("now")]);
    expect(conversation.pathsFor(open)).toEqual([]);
    const closed = turn(3, [user("now")], { isPrivate: true });
    expect(conversation.messagesFor(closed)).toHaveLength(5);
    expect(conversation.pathsFor(closed)).toEqual(["file:///secret"]);
  });

  it("can be applied to the code that the conversation is about", () => {
    const conversation = new Conversation();
    conversation.put(turn(1, [], { region: REGION }));
    conversation.put(turn(2, []));
    expect(conversation.regionFor(2)).toBe(REGION);
  });

  it("asked again, is sent without what came after it", () => {
    const conversation = new Conversation();
    const first = answered(turn(1, [user("one")]), result("first"));
    conversation.put(first);
    conversation.put(answered(turn(2, [user("two")]), result("second")));
    expect(conversation.messagesFor(asked(first))).toEqual([user("one")]);
  });
});

describe("an answer", () => {
  it("is what the result says, whatever was streamed of it", () => {
    expect(answered(grown(started(turn(1, []), OPENAI), "hal"), result("hello")).text).toBe("hello");
  });

  it("takes back what a tier had written, and says in a seam who broke off and who took over", () => {
    const broken = reset(grown(started(turn(1, []), COPILOT), "one two three"), {
      kind: "reset",
      reason: "stream_broken",
    });
    expect(view(broken)).toMatchObject({
      phase: "waiting",
      text: "",
      by: null,
      seams: [{ said: "Copilot broke off after 3 words: text taken back.", text: "one two three" }],
    });
    const over = view(started(broken, OPENAI));
    expect(over.seams[0]?.said).toBe(
      "Copilot broke off after 3 words: text taken back. Now answered by OpenAI · gpt-4o-mini.",
    );
  });

  it("names in each of two seams who came next", () => {
    const once = reset(grown(started(turn(1, []), COPILOT), "a"), { kind: "reset", reason: "stream_broken" });
    const twice = reset(grown(started(once, OPENAI), "b"), { kind: "reset", reason: "timeout" });
    expect(view(twice).seams.map(({ said }) => said)).toEqual([
      "Copilot broke off after 1 word: text taken back. Now answered by OpenAI · gpt-4o-mini.",
      "OpenAI took too long, after 1 word: text taken back.",
    ]);
  });

  it("says what a seam says nowhere else", () => {
    const attempts = [attempt("copilot", "copilot", "stream_broken"), attempt("gemini", "cloud", "timeout")];
    const broken = reset(grown(started(turn(1, []), COPILOT), "one"), { kind: "reset", reason: "stream_broken" });
    expect(view(answered(broken, result("two", { attempts }))).provenance?.byline).toBe(
      "OpenAI · gpt-4o-mini · 1 ms · 1 + 1 tokens · Gemini took too long",
    );
  });

  it("leaves no seam where nothing was shown", () => {
    expect(reset(started(turn(1, []), COPILOT), { kind: "reset", reason: "empty" }).takenBack).toEqual([]);
  });

  it("asked again, begins with nothing", () => {
    const again = asked(answered(turn(1, [user("one")]), result("first")));
    expect(again).toMatchObject({
      phase: "waiting",
      text: "",
      takenBack: [],
      result: undefined,
      prompt: [user("one")],
    });
  });

  it("says where it is from, whether it is old, and what was left out of the question", () => {
    const leftOut = [{ path: "secret.env", reason: "it is listed in .aiexclude" }];
    const old = view(
      answered(turn(1, []), result("x", { cached: true, stale: true, age_seconds: 7200, left_out: leftOut })),
    );
    expect(old.provenance).toEqual({
      byline: "OpenAI · gpt-4o-mini · nobody could give a new one · 1 ms · 1 + 1 tokens",
      marks: ["Old answer, from 2 h ago"],
      notes: ["secret.env was left out: it is listed in .aiexclude"],
    });
    const short = view(answered(turn(1, []), result("x", { finish_reason: "length" })));
    expect(short.provenance?.notes[0]).toContain("cut short");
  });
});

describe("a failure", () => {
  it("says of each tier why, with what can be done about it", () => {
    const attempts = [
      attempt("copilot", "copilot", "signed_out"),
      attempt("openai", "cloud", "auth"),
      attempt("ollama", "local", "network"),
    ];
    const failure = failureOf(noAnswer(attempts, { hints: { ollama: "start Ollama" } }), false, manner);
    expect(failure).toMatchObject({ message: "Nobody could answer.", notes: [], queryId: "q9" });
    expect(failure.reasons.map(({ name, said, hint }) => [`${name} ${said}`, hint])).toEqual([
      ["Copilot had no credential", null],
      ["OpenAI refuses the credential", null],
      ["Ollama could not be reached", "Start Ollama."],
    ]);
    expect(failure.offers.map(({ command, argument }) => [command, argument])).toEqual([
      ["aiGateway.signIn", undefined],
      ["aiGateway.setKey", "openai"],
    ]);
  });

  it("has advice of its own where the server knows no better, and none where the reason tells all", () => {
    const attempts = [attempt("openai", "cloud", "network"), attempt("ollama", "local", "bad_request")];
    const { reasons } = failureOf(noAnswer(attempts), false, manner);
    expect(reasons.map(({ hint }) => hint)).toEqual(["Check the network, the proxy and the base URL.", null]);
  });

  it("passes over who is not set up or not local, as everywhere, but offers to set them up", () => {
    const attempts = [
      attempt("editor", "copilot", "not_configured"),
      attempt("copilot", "copilot", "private"),
      attempt("openai", "cloud", "not_configured"),
      attempt("ollama", "local", "network"),
    ];
    const failure = failureOf(noAnswer(attempts), false, manner);
    expect(failure.reasons.map(({ name }) => name)).toEqual(["Ollama"]);
    expect(failure.offers.map(({ argument }) => argument)).toEqual(["openai"]);
  });

  it("names each of them where there is nobody else", () => {
    const attempts = [attempt("copilot", "copilot", "private"), attempt("ollama", "local", "not_configured")];
    const hints = { ollama: "start Ollama" };
    const { reasons } = failureOf(noAnswer(attempts, { hints }), false, manner);
    expect(reasons.map(({ name, hint }) => [name, hint])).toEqual([
      ["Copilot", "Start a local model, or ask openly."],
      ["Ollama", "Start Ollama."],
    ]);
  });

  it("says once what helps with several of them", () => {
    const attempts = [attempt("openai", "cloud", "network"), attempt("gemini", "cloud", "network")];
    const { reasons, notes } = failureOf(noAnswer(attempts), false, manner);
    expect(reasons.map(({ hint }) => hint)).toEqual([null, null]);
    expect(notes).toEqual(["Check the network, the proxy and the base URL."]);
  });

  it("has one line for whoever was asked twice", () => {
    const twice = [attempt("openai", "cloud", "timeout"), attempt("openai", "cloud", "server")];
    const { reasons } = failureOf(noAnswer(twice), false, manner);
    expect(reasons.map(({ said }) => said)).toEqual(["had a fault of its own"]);
  });

  it("says who answered last", () => {
    const last = { provider: "copilot", model: "gpt-4o", age_seconds: 200 };
    const failure = failureOf(noAnswer([attempt("ollama", "local", "network")], { last_answer: last }), false, manner);
    expect(failure.notes).toEqual(["Copilot · gpt-4o answered last, 3 min ago."]);
  });

  it("of a conversation that nobody asked can read offers a new one", () => {
    const tooLong = [attempt("copilot", "copilot", "context_too_long"), attempt("ollama", "local", "context_too_long")];
    const limited = { ...attempt("openai", "cloud", "rate"), outcome: "skipped" as const };
    const offers = (attempts: AttemptResult[]) =>
      failureOf(noAnswer(attempts), false, manner).offers.map(({ command }) => command);
    expect(offers([...tooLong, limited])).toEqual(["aiGateway.newConversation"]);
    expect(offers([...tooLong, attempt("openai", "cloud", "network")])).toEqual([]);
    expect(offers([limited])).toEqual([]);
  });

  it("is told also where the server is of a version that knows less", () => {
    const older = noAnswer([attempt("ollama", "local", "network")]);
    delete (older.data as { hints?: unknown }).hints;
    expect(failureOf(older, false, manner).reasons).toHaveLength(1);
  });

  it("says who refused a question that nobody else is asked", () => {
    const refused = noAnswer([attempt("openai", "cloud", "content_filter")], { reason: "content_filter" });
    expect(failureOf(refused, false, manner).message).toBe("OpenAI refused the question.");
  });

  it("offers a beginning to whoever has set up nothing", () => {
    const attempts = [attempt("copilot", "copilot", "not_configured"), attempt("ollama", "local", "not_configured")];
    expect(failureOf(noAnswer(attempts), false, manner).offers.at(-1)?.command).toBe("aiGateway.openWalkthrough");
  });

  it("of the server is told in its words, with a way to start it again", () => {
    const failure = failureOf(
      new GatewayError("The server ended before it answered.", -32099, undefined),
      true,
      manner,
    );
    expect(failure.message).toBe("The server ended before it answered.");
    expect(failure.offers.map(({ command }) => command)).toEqual(["aiGateway.restart", "aiGateway.showLog"]);
  });
});

describe("while one waits", () => {
  const known = summary([
    provider("copilot", { state: "open", reason: "outage" }),
    provider("openai"),
    provider("ollama"),
  ]);

  it("it is said whom the gateway asks first", () => {
    expect(waitingInWords(known, false, manner)).toBe("Asking OpenAI first");
  });

  it("only local models are named in a private conversation", () => {
    expect(waitingInWords(known, true, manner)).toBe("Asking Ollama, and only local models");
    expect(standingViews(known, true, manner).map(({ tone }) => tone)).toEqual(["off", "off", "ready"]);
  });

  it("a model that loads is said to load", () => {
    const loading = summary([provider("ollama", { is_loading: true })]);
    expect(waitingInWords(loading, false, manner)).toBe("Ollama is loading its model");
  });
});

describe("a screen reader", () => {
  it("is told once of each step, and not of each word", () => {
    const streaming = grown(started(turn(1, []), COPILOT), "a b c");
    const broken = reset(streaming, { kind: "reset", reason: "stream_broken" });
    const steps = [turn(1, []), streaming, broken, answered(broken, result("one two")), stopped(broken)];
    expect(steps.map((step) => announcement(step, l10n))).toEqual([
      "",
      "Copilot is answering",
      "Copilot broke off after 3 words: text taken back.",
      "Answer complete: 2 words by OpenAI",
      "Stopped",
    ]);
  });
});
