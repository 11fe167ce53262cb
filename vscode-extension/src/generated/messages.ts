/* Generated from the server's schema.json by `npm run messages`. */

/**
 * What to do next.
 */
export type Action = "ask" | "probe_early" | "await_probe" | "skip" | "consent" | "give_up";
/**
 * What a person can ask for with some code selected.
 */
export type ActionKind = "explain" | "fix" | "document" | "test" | "improve" | "comment" | "ask";
/**
 * The role that a person sees a provider in.
 */
export type Backend = "copilot" | "cloud" | "local";
/**
 * Whether failover may move to a dearer class of tiers: always, if the person says so, or never.
 */
export type SpendRule = "auto" | "ask" | "never";
/**
 * How one attempt ended.
 */
export type Outcome = "answered" | "failed" | "skipped" | "cancelled";
/**
 * Whether a circuit breaker lets calls through.
 */
export type BreakerState = "closed" | "open" | "half_open";
/**
 * How one query uses the cache: both ways, not at all, only reading, or only writing anew.
 */
export type CacheMode = "on" | "off" | "read" | "refresh";
/**
 * What the cache had for a query.
 */
export type CacheVerdict = "off" | "miss" | "hit" | "stale" | "joined";
/**
 * The whole in one word: all well, somebody can answer, nobody can, or too early to say.
 */
export type HealthStatus = "ok" | "degraded" | "down" | "starting";
/**
 * Why a drill was over.
 */
export type Ending = "in_time" | "stopped" | "settings_changed";
/**
 * How a query ended.
 */
export type QueryOutcome = "answered" | "failed" | "refused" | "cancelled";
/**
 * Why a model stopped.
 */
export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter" | "refusal";
/**
 * Why a breaker is open, each with its own clock and its own next step.
 */
export type OpenReason =
  "outage" | "slow" | "rate" | "quota" | "auth" | "blocked" | "not_configured" | "loading" | "forced";
/**
 * What an answer of a tier costs: nothing, nothing beyond a subscription, or so much for each token.
 */
export type PriceClass = "free" | "included" | "metered";
/**
 * What became of a question of the drill's own.
 */
export type QuestionOutcome = "answered" | "unanswered" | "unfinished";
/**
 * What has become of a tier in this query so far.
 */
export type Standing = "fresh" | "turned_away" | "done";

/**
 * What is left of an account's quota, as its upstream said last.
 */
export interface AllowanceResult {
  remaining_percent: number;
  /**
   * Seconds since the epoch; null where it did not say.
   */
  resets_at: number | null;
  /**
   * Whether more is sold when it is spent.
   */
  may_overrun: boolean;
}
/**
 * What a query wanted; nothing of its text.
 */
export interface AskedResult {
  /**
   * Or texts, if it wanted vectors.
   */
  messages: number;
  characters: number;
  embeds: boolean;
  /**
   * Whether it was a gap to fill where somebody types.
   */
  fills: boolean;
  backend: Backend | null;
  provider: string | null;
  model: string | null;
  /**
   * Providers that were not to be asked.
   */
  without: string[];
  spend: SpendRule | null;
  escalate: boolean;
  timeout_seconds: number | null;
}
/**
 * One tier tried or skipped.
 */
export interface AttemptResult {
  provider: string;
  backend: Backend;
  model: string | null;
  outcome: Outcome;
  /**
   * A failure kind or an open reason; null if it answered.
   */
  reason: string | null;
  elapsed_ms: number;
  retry_after_seconds: number | null;
}
/**
 * A change of the rehearsed provider's breaker.
 */
export interface BreakerChangeResult {
  /**
   * Since the drill began.
   */
  after_seconds: number;
  before: BreakerState;
  after: BreakerState;
  reason: string | null;
  reopens_in_seconds: number | null;
}
/**
 * How often the cache helped on one day.
 */
export interface CacheDayResult {
  date: string;
  hits: number;
  /**
   * Queries that it was asked for, and had no fresh answer to.
   */
  misses: number;
}
/**
 * A function with its arguments.
 */
export interface CalledFunction {
  name: string;
  /**
   * JSON text.
   */
  arguments: string;
}
/**
 * Of `ai/commitMessage`: of what is staged.
 */
export interface CommitMessageParams {
  /**
   * In the repository, as a path or a URI; without it, the first folder of the workspace.
   */
  folder?: string | null;
  /**
   * Whether a model is asked; otherwise the text is the template's.
   */
  use_llm?: boolean;
  /**
   * Only local tiers may see it.
   */
  private?: boolean;
  /**
   * LSP's own: what happens meanwhile is told by `$/progress` with this token, a line at a time.
   */
  workDoneToken?: number | string | null;
}
/**
 * The answer to `ai/commitMessage`.
 */
export interface CommitMessageResult {
  generated_by: "llm" | "template";
  /**
   * That wrote it; null if it is the template's.
   */
  model: string | null;
  /**
   * Where that model is.
   */
  provider: string | null;
  backend: Backend | null;
  /**
   * Why no model wrote it, and what to do; null if one did, or none was asked.
   */
  problem: string | null;
  /**
   * For `ai/explain`; null if nobody answered.
   */
  query_id: string | null;
  cost_usd: number | null;
  /**
   * Every tier that was tried or skipped, in order.
   */
  attempts: AttemptResult[];
  /**
   * Changed files of which no model was told anything, as they are excluded.
   */
  left_out: string[];
  /**
   * Changed files that were too large: a model was told their size, and the functions in them.
   */
  summarized: string[];
  /**
   * A subject of 72 characters at most, and maybe an empty line and a wrapped body; `git commit -F -` takes it.
   */
  message: string;
}
/**
 * A piece of the workspace that is put before the prompt, as a fenced block.
 */
export interface ContextEntry {
  text: string;
  uri?: string | null;
  /**
   * What the block is called; without it, the URI.
   */
  path?: string | null;
  language_id?: string | null;
}
/**
 * What a model did on one day. Drills do not count; gaps that were filled where somebody typed do.
 */
export interface DayResult {
  /**
   * As `2026-11-21`, of the calendar where the server is.
   */
  date: string;
  provider: string;
  backend: Backend;
  /**
   * As it was asked for; null if the provider chose it.
   */
  model: string | null;
  /**
   * That it answered itself; answers from the cache are in `cache[]`.
   */
  queries: number;
  input_tokens: number;
  output_tokens: number;
  /**
   * As far as it is known, also of answers that broke off; null where none is.
   */
  cost_usd: number | null;
  failures: number;
}
/**
 * A piece of text, to be added to what is shown.
 */
export interface DeltaProgress {
  kind: "delta";
  text: string;
}
/**
 * As LSP has it; what else it says is left out.
 */
export interface DiagnosticParam {
  range: RangeParam;
  message: string;
  severity?: number | null;
  source?: string | null;
  code?: number | string | null;
}
/**
 * As LSP has it.
 */
export interface RangeParam {
  start: PositionParam;
  end: PositionParam;
}
/**
 * As LSP has it, in the units that were agreed upon.
 */
export interface PositionParam {
  line: number;
  character: number;
}
/**
 * Of `ai/doctor`: none.
 */
export interface DoctorParams {}
/**
 * The answer to `ai/doctor`.
 */
export interface DoctorResult {
  health: HealthResult;
  settings: SettingResult[];
  roads: RoadResult[];
  /**
   * What a person can do, the most useful first.
   */
  next_steps: string[];
  /**
   * Of this machine.
   */
  memory_gib: number;
  /**
   * The version that runs the server.
   */
  python: string;
  /**
   * All of it, in Markdown.
   */
  page: string;
}
/**
 * After each upstream was asked whether it is there.
 */
export interface HealthResult {
  status: HealthStatus;
  copilot_available: boolean;
  cloud_available: boolean;
  local_available: boolean;
  /**
   * Whether a circuit breaker lets calls through.
   */
  circuit_state: "closed" | "open" | "half_open";
  /**
   * In the order of asking.
   */
  providers: ProviderHealthResult[];
  recommended_local_model: string;
  /**
   * What is wrong with settings, each with where it came from, and with what is shared with other windows.
   */
  problems: string[];
  /**
   * What the metered answers of all windows have cost today, as far as that is known; null if nobody keeps count.
   */
  spent_today_usd: number | null;
  /**
   * How much may be spent in a day; null if there is no limit.
   */
  daily_cap_usd: number | null;
  /**
   * Whether the settings make every query private, so that only local tiers are asked.
   */
  private: boolean;
  process: ProcessResult;
}
/**
 * One provider.
 */
export interface ProviderHealthResult {
  name: string;
  backend: Backend;
  state: BreakerState;
  /**
   * Why it is not asked now; null if it is.
   */
  reason: string | null;
  retry_after_seconds: number | null;
  last_error: string | null;
  /**
   * What a person can do about it.
   */
  hint: string | null;
  model: string | null;
  /**
   * Where the credential in use was found, where that is not a setting.
   */
  credential: string | null;
  /**
   * Null where it is unknown.
   */
  allowance: AllowanceResult | null;
  /**
   * Whether it is silent now because it loads a model.
   */
  is_loading: boolean;
  /**
   * What its answers cost.
   */
  price_class: "free" | "included" | "metered";
  /**
   * Whether it is asked only when nobody else can answer, not even the cache with an old answer.
   */
  is_emergency: boolean;
  /**
   * The state that a person keeps its breaker in by hand; null if it goes by itself.
   */
  forced: BreakerState | null;
  /**
   * Why its model could not be loaded ahead; null if it was, or nobody tried.
   */
  preload_problem: string | null;
  /**
   * Known only after a probe.
   */
  reachable: boolean | null;
}
/**
 * The server's process.
 */
export interface ProcessResult {
  pid: number;
  rss_bytes: number;
  uptime_seconds: number;
  version: string;
  /**
   * Whether nobody is asked for real (`--simulated`).
   */
  simulated: boolean;
}
/**
 * A setting that is not a default, or a secret.
 */
export interface SettingResult {
  path: string;
  /**
   * Of a secret only that it is set.
   */
  value: string;
  source: string;
}
/**
 * How a provider is reached.
 */
export interface RoadResult {
  provider: string;
  base_url: string;
  /**
   * `HOST:PORT`, or that there is none.
   */
  proxy: string;
  /**
   * Whose certificates are trusted.
   */
  trust: string;
}
/**
 * A text that is not open here.
 */
export interface DocumentParam {
  text: string;
  language_id?: string | null;
  /**
   * What it is called: `analysis.ipynb cell 3`; without it, as the URI says.
   */
  path?: string | null;
}
/**
 * Of `ai/drill`.
 */
export interface DrillParams {
  /**
   * Whose outage; without it, that of the first provider that is asked.
   */
  provider?: string | null;
  /**
   * What it does to whoever asks it.
   */
  fault:
    | "refuse"
    | "reset"
    | "hang"
    | "slow-first-token"
    | "stall"
    | "cut"
    | "garbage"
    | "empty"
    | "error-200"
    | "html-502"
    | "server-error"
    | "overloaded"
    | "rate-limit"
    | "rate-limit-unnamed"
    | "quota"
    | "auth"
    | "blocked"
    | "model-not-found"
    | "context-too-long"
    | "content-filter";
  /**
   * How long.
   */
  seconds?: number;
  /**
   * LSP's own: what happens meanwhile is told by `$/progress` with this token, a line at a time.
   */
  workDoneToken?: number | string | null;
}
/**
 * A question that a drill asked.
 */
export interface DrillQuestionResult {
  /**
   * Since the drill began.
   */
  asked_after_seconds: number;
  /**
   * `unfinished`: it was still waiting when the drill ended.
   */
  outcome: "answered" | "unanswered" | "unfinished";
  elapsed_ms: number;
  /**
   * Who answered; null if nobody did.
   */
  provider: string | null;
  backend: Backend | null;
  model: string | null;
  /**
   * Every tier that was tried or skipped, in order.
   */
  attempts: AttemptResult[];
  /**
   * Whether text was shown that had to be taken back.
   */
  was_retracted: boolean;
  /**
   * What to do, where nobody answered.
   */
  hint: string | null;
}
/**
 * The answer to `ai/drill`: what was seen of an outage that was none.
 */
export interface DrillResult {
  provider: string;
  fault: string;
  /**
   * How long it was to last.
   */
  seconds: number;
  lasted_seconds: number;
  /**
   * `settings_changed`: they made another tier of the provider, which is asked instead.
   */
  ending: "in_time" | "stopped" | "settings_changed";
  /**
   * Whether it did no harm: every question that came to an end got an answer.
   */
  all_answered: boolean;
  /**
   * All of it in one line.
   */
  verdict: string;
  questions: DrillQuestionResult[];
  breaker: BreakerChangeResult[];
  /**
   * A question asked afterwards; null if none was.
   */
  recovery: DrillQuestionResult | null;
  /**
   * What could be better, the most useful first.
   */
  advice: string[];
}
/**
 * A call that the model asks for.
 */
export interface EditorAnsweredCall {
  id: string;
  name: string;
  /**
   * JSON text.
   */
  arguments: string;
}
/**
 * Of the error `-32803`, whose message is for a person.
 */
export interface EditorChatErrorData {
  /**
   * A kind of failure, as the routing has them: `auth`, `quota`, `model_not_found`, …
   */
  kind: string;
  retry_after_seconds: number | null;
}
/**
 * Of `ai/editor/chat`.
 */
export interface EditorChatParams {
  /**
   * Of the `$/progress` by which the editor streams the text.
   */
  token: number | string;
  /**
   * The id of one that it lends.
   */
  model: string;
  messages: EditorMessage[];
  tools: EditorTool[];
  temperature: number | null;
  max_tokens: number | null;
  stop: string[];
}
/**
 * One turn of the conversation.
 */
export interface EditorMessage {
  role: "system" | "user" | "assistant" | "tool";
  content: string;
  tool_calls?: EditorToolCall[];
  /**
   * Which call a tool's turn answers.
   */
  tool_call_id?: string;
}
/**
 * A call that an assistant's turn asked for.
 */
export interface EditorToolCall {
  id: string;
  type: "function";
  function: CalledFunction;
}
/**
 * The same in OpenAI's shape.
 */
export interface EditorTool {
  type: "function";
  function: EditorFunction;
}
/**
 * A function that the model may call.
 */
export interface EditorFunction {
  name: string;
  description: string;
  /**
   * A JSON Schema.
   */
  parameters: {
    [k: string]: unknown;
  };
}
/**
 * What the editor's model answered.
 */
export interface EditorChatResult {
  /**
   * All of it; it begins with what was streamed.
   */
  text: string;
  model: string;
  finish_reason: "stop" | "length" | "tool_calls" | "content_filter";
  usage: EditorUsage | null;
  tool_calls: EditorAnsweredCall[];
}
/**
 * Tokens that were read and written.
 */
export interface EditorUsage {
  input_tokens: number;
  output_tokens: number;
}
/**
 * Of `ai/editor/input`.
 */
export interface EditorInputParams {
  title: string;
  placeholder: string;
}
/**
 * What a person typed; null in its place: nothing.
 */
export interface EditorInputResult {
  text: string;
}
/**
 * A model that the editor lends, as VS Code's `LanguageModelChat` describes it.
 */
export interface EditorModelParam {
  id: string;
  vendor: string;
  family: string;
  name: string;
  max_input_tokens?: number | null;
}
/**
 * Of `ai/editor/models`: all that the editor lends now, in place of what it said before.
 */
export interface EditorModelsParams {
  /**
   * @maxItems 1000
   */
  models: EditorModelParam[];
  /**
   * Why there are none, and what a person can do, as far as the editor can tell.
   */
  problem?: string | null;
}
/**
 * Of `ai/embed`.
 */
export interface EmbedParams {
  /**
   * One text, or several.
   */
  input: string | string[];
  /**
   * Ask only tiers that offer this model; name it if you keep the vectors.
   */
  model?: string | null;
  /**
   * How long the vectors are to be.
   */
  dimensions?: number | null;
  /**
   * Ask only this role.
   */
  backend?: Backend | null;
  /**
   * Ask only this provider.
   */
  provider?: string | null;
  /**
   * Only local tiers may see it.
   */
  private?: boolean;
  /**
   * Of the files that the texts are from, or their URIs: some may make it private, and one that is kept out of
   *     prompts has it refused.
   *
   * @maxItems 10000
   */
  paths?: string[];
  /**
   * For everything together.
   */
  timeout_seconds?: number | null;
}
/**
 * The answer to `ai/embed`.
 */
export interface EmbedResult {
  /**
   * One for each text, in order, all of one model.
   */
  vectors: number[][];
  backend: Backend;
  provider: string;
  /**
   * Vectors of two models can't be compared.
   */
  model: string | null;
  usage: UsageResult;
  /**
   * Null where it is unknown.
   */
  cost_usd: number | null;
  query_id: string;
  elapsed_ms: number;
  /**
   * Every tier that was tried or skipped, in order.
   */
  attempts: AttemptResult[];
}
/**
 * Tokens read and written.
 */
export interface UsageResult {
  /**
   * All that was read, also from the upstream's own cache or into it.
   */
  input_tokens: number;
  /**
   * All that was written, also in thought.
   */
  output_tokens: number;
  /**
   * Of `input_tokens`: read from the upstream's own cache.
   */
  cached_input_tokens: number;
  /**
   * Of `input_tokens`: written to the upstream's own cache.
   */
  cache_write_tokens: number;
  /**
   * The upstream did not count; this is a guess from the characters.
   */
  estimated: boolean;
}
/**
 * Of `ai/explain`.
 */
export interface ExplainParams {
  /**
   * As the query's result had it; without it, the last query of this window, or else of any.
   */
  query_id?: string | null;
  /**
   * Also make every decision again, on what was known then.
   */
  replay?: boolean;
  /**
   * Also show what was sent. Of a query of this window only, and one of the last: it is kept in memory alone.
   */
  sent?: boolean;
}
/**
 * The answer to `ai/explain`: how one query went.
 *
 * No text of the query or of its answer is in it, but for what `sent` and `sent_page` tell where that is asked for.
 */
export interface ExplainResult {
  query_id: string;
  /**
   * Seconds since the epoch.
   */
  asked_at: number;
  elapsed_ms: number;
  outcome: QueryOutcome;
  asked: AskedResult;
  cache: CacheVerdict;
  /**
   * The query that was being answered already, with the same answer.
   */
  joined: string | null;
  /**
   * Why only local tiers might see it; null if all might.
   */
  private: string | null;
  /**
   * How many files it quoted, as far as its client said so.
   */
  files: number;
  /**
   * How many files were left out of it.
   */
  left_out: number;
  /**
   * Secrets that other machines got placeholders of.
   */
  masked: number;
  /**
   * Who answered; null if nobody did.
   */
  provider: string | null;
  backend: Backend | null;
  model: string | null;
  finish_reason: FinishReason | null;
  usage: UsageResult | null;
  cost_usd: number | null;
  /**
   * Of an answer from the cache.
   */
  age_seconds: number | null;
  /**
   * What to do, where nobody answered.
   */
  hint: string | null;
  /**
   * Every decision on the way, in order.
   */
  steps: StepResult[];
  /**
   * All of it for a person, in Markdown; without any text of the query.
   */
  page: string;
  /**
   * What each tier was sent, in the order of asking; empty where that was not asked for, or is not known.
   */
  sent: SentResult[];
  /**
   * Why there is nothing in `sent`, or not all of it; null if all is there, or it was not asked for.
   */
  sent_note: string | null;
  /**
   * The same for a person, in Markdown; null if it was not asked for.
   */
  sent_page: string | null;
}
/**
 * One decision on the way, and what came of it.
 */
export interface StepResult {
  action: Action;
  /**
   * Null where nobody was left to ask.
   */
  provider: string | null;
  backend: Backend | null;
  model: string | null;
  /**
   * Of its breaker, at that moment.
   */
  state: BreakerState | null;
  /**
   * Why it was not simply asked: an open reason, or why it must not be.
   */
  reason: string | null;
  /**
   * Null where the step asked no tier and skipped none, as when it asked the person.
   */
  outcome: Outcome | null;
  /**
   * The failure kind, where it failed.
   */
  failure: string | null;
  /**
   * Since the query began.
   */
  at_ms: number;
  elapsed_ms: number;
  /**
   * Since it was asked.
   */
  first_token_ms: number | null;
  retry_after_seconds: number | null;
  /**
   * Where the prompt went; null if it went nowhere.
   */
  address: string | null;
  /**
   * How much of it.
   */
  characters: number;
  cost_usd: number | null;
  /**
   * Whether a drill made it fail on purpose.
   */
  is_rehearsal: boolean;
  /**
   * The calls that failed.
   */
  tries: TryResult[];
  situation: SituationResult;
  /**
   * Null unless a replay was asked for.
   */
  replayed: ReplayedResult | null;
}
/**
 * One call of an upstream that failed.
 */
export interface TryResult {
  kind: string;
  detail: string;
  elapsed_ms: number;
  /**
   * How long was waited before the next call; null if there was none.
   */
  retried_after_ms: number | null;
}
/**
 * All that a decision was made of.
 */
export interface SituationResult {
  private: boolean;
  embeds: boolean;
  /**
   * A context of so many tokens had proved too short.
   */
  too_short_tokens: number;
  has_time: boolean;
  /**
   * The dearest class of tiers that might answer without asking the person.
   */
  allowed: "free" | "included" | "metered";
  may_ask_for_more: boolean;
  is_cap_reached: boolean;
  fills: boolean;
  /**
   * Providers that the query leaves out.
   */
  without: string[];
  /**
   * In the order of asking.
   */
  tiers: TierFactsResult[];
}
/**
 * What was known of a tier at one moment.
 */
export interface TierFactsResult {
  provider: string;
  backend: Backend;
  model: string | null;
  state: BreakerState;
  reason: OpenReason | null;
  reopens_in_seconds: number | null;
  /**
   * Whether a waiting person is worth a call before its time.
   */
  may_be_probed_early: boolean;
  /**
   * Whether a call was under way that would show how it is.
   */
  has_probe_out: boolean;
  is_configured: boolean;
  embeds: boolean;
  context_tokens: number | null;
  price_class: PriceClass;
  is_emergency: boolean;
  /**
   * Whether it may be asked where somebody types, and has not asked for anything.
   */
  fills: boolean;
  /**
   * What had become of it in this query: not considered yet, turned away by its breaker, or done with.
   */
  standing: "fresh" | "turned_away" | "done";
}
/**
 * A decision made again: what to do next, with whom, and why.
 */
export interface ReplayedResult {
  is_same: boolean;
  action: Action;
  provider: string | null;
  model: string | null;
  reason: string | null;
  /**
   * Whether somebody else could still take over.
   */
  others_may_follow: boolean;
}
/**
 * What one tier was sent, as it saw it: with placeholders, if secrets were masked.
 */
export interface SentResult {
  provider: string;
  backend: Backend;
  model: string | null;
  /**
   * Where it went; null where only the provider's own code knows.
   */
  address: string | null;
  /**
   * That the query quoted.
   */
  files: string[];
  messages: SentTextResult[];
  /**
   * Names of those whose descriptions were sent as well.
   */
  tools: string[];
  /**
   * At the end, because the whole was too long to be kept.
   */
  omitted_characters: number;
}
/**
 * One text of a prompt.
 */
export interface SentTextResult {
  /**
   * `system`, `user`, `assistant`, `tool`; `input` of texts to embed; `prefix` and `suffix` of a gap to fill.
   */
  role: string;
  content: string;
}
/**
 * Milliseconds from asking to the first token; null while there is no sample.
 */
export interface FirstTokenResult {
  p50: number | null;
  p95: number | null;
}
/**
 * Of `ai/force`; `ai/reset` ends it.
 */
export interface ForceParams {
  provider: string;
  /**
   * What its breaker is kept in, whatever happens: `open` leaves the provider out, `closed` always asks it.
   */
  state: "open" | "closed";
  /**
   * How long.
   */
  seconds?: number;
}
/**
 * The answer to `ai/force`.
 */
export interface ForceResult {
  status: "ok";
  provider: string;
  /**
   * Whether a circuit breaker lets calls through.
   */
  state: "closed" | "open" | "half_open";
  /**
   * For how long.
   */
  seconds: number;
}
/**
 * Of `ai/health`.
 */
export interface HealthParams {
  /**
   * Also see whether each upstream can be reached now.
   */
  probe?: boolean;
}
/**
 * The answer to `ai/health`.
 */
export interface HealthResult1 {
  status: HealthStatus;
  copilot_available: boolean;
  cloud_available: boolean;
  local_available: boolean;
  /**
   * Whether a circuit breaker lets calls through.
   */
  circuit_state: "closed" | "open" | "half_open";
  /**
   * In the order of asking.
   */
  providers: ProviderHealthResult[];
  recommended_local_model: string;
  /**
   * What is wrong with settings, each with where it came from, and with what is shared with other windows.
   */
  problems: string[];
  /**
   * What the metered answers of all windows have cost today, as far as that is known; null if nobody keeps count.
   */
  spent_today_usd: number | null;
  /**
   * How much may be spent in a day; null if there is no limit.
   */
  daily_cap_usd: number | null;
  /**
   * Whether the settings make every query private, so that only local tiers are asked.
   */
  private: boolean;
  process: ProcessResult;
}
/**
 * The parameters of `ai/status`, pushed at every change.
 */
export interface HealthSummary {
  status: HealthStatus;
  copilot_available: boolean;
  cloud_available: boolean;
  local_available: boolean;
  /**
   * Whether a circuit breaker lets calls through.
   */
  circuit_state: "closed" | "open" | "half_open";
  /**
   * In the order of asking.
   */
  providers: ProviderHealthResult[];
  recommended_local_model: string;
  /**
   * What is wrong with settings, each with where it came from, and with what is shared with other windows.
   */
  problems: string[];
  /**
   * What the metered answers of all windows have cost today, as far as that is known; null if nobody keeps count.
   */
  spent_today_usd: number | null;
  /**
   * How much may be spent in a day; null if there is no limit.
   */
  daily_cap_usd: number | null;
  /**
   * Whether the settings make every query private, so that only local tiers are asked.
   */
  private: boolean;
}
/**
 * Of `ai/history`.
 */
export interface HistoryParams {
  /**
   * Of so many days up to today, what each model did.
   */
  days?: number;
  /**
   * So many of the last queries.
   */
  queries?: number;
  /**
   * The transitions of breakers in so many hours up to now.
   */
  hours?: number;
}
/**
 * The answer to `ai/history`: of all windows of this person; of this process alone, where nothing is shared.
 *
 * No text of a query or an answer is in it.
 */
export interface HistoryResult {
  /**
   * The latest first.
   */
  queries: PastQueryResult[];
  /**
   * The oldest first.
   */
  transitions: PastTransitionResult[];
  /**
   * In the order of asking.
   */
  states: StateResult[];
  /**
   * The oldest first.
   */
  days: DayResult[];
  /**
   * The oldest first; days on which it was not asked are left out.
   */
  cache: CacheDayResult[];
}
/**
 * One query that has ended; `ai/explain` has more of it.
 */
export interface PastQueryResult {
  query_id: string;
  /**
   * Seconds since the epoch.
   */
  asked_at: number;
  elapsed_ms: number;
  outcome: QueryOutcome;
  /**
   * Who answered; null if nobody did.
   */
  provider: string | null;
  backend: Backend | null;
  model: string | null;
  /**
   * Since it was asked; null where no text was made for it, as for one from the cache.
   */
  first_token_ms: number | null;
  /**
   * Of all its attempts, but for those that a drill made fail.
   */
  input_tokens: number;
  output_tokens: number;
  /**
   * Of all its attempts; null where it is unknown.
   */
  cost_usd: number | null;
  cached: boolean;
  private: boolean;
  /**
   * In order.
   */
  attempts: PastAttemptResult[];
}
/**
 * One tier tried or skipped for a query.
 */
export interface PastAttemptResult {
  provider: string;
  backend: Backend;
  outcome: Outcome;
  /**
   * A failure kind or an open reason; null if it answered.
   */
  reason: string | null;
  elapsed_ms: number;
  /**
   * Whether a drill made it fail on purpose.
   */
  is_rehearsal: boolean;
}
/**
 * A change of a breaker.
 */
export interface PastTransitionResult {
  /**
   * Seconds since the epoch. One that time alone made is seen when somebody asks, and has that time.
   */
  at: number;
  provider: string;
  before: BreakerState;
  after: BreakerState;
  /**
   * Why it is not closed after it.
   */
  reason: OpenReason | null;
}
/**
 * How a provider's breaker is now.
 */
export interface StateResult {
  provider: string;
  backend: Backend;
  state: BreakerState;
  /**
   * Why it is not asked now; null if it is.
   */
  reason: string | null;
}
/**
 * Who answered last, in any window.
 */
export interface LastAnswerResult {
  provider: string;
  model: string | null;
  age_seconds: number;
}
/**
 * Milliseconds from asking to the last token; null while there is no sample.
 */
export interface LatencyResult {
  p50: number | null;
  p95: number | null;
  p99: number | null;
}
/**
 * A file that was left out of the prompt.
 */
export interface LeftOutResult {
  /**
   * Or its URI, if it came without a path.
   */
  path: string;
  /**
   * What keeps it out, in words.
   */
  reason: string;
}
/**
 * One turn of a conversation, in OpenAI's shape.
 */
export interface MessageParam {
  role: "system" | "user" | "assistant" | "tool";
  /**
   * Text; null only beside `tool_calls`.
   */
  content?: string | null;
  /**
   * What an assistant's turn asked to be called: `{id, type: "function", function: {name, arguments}, signature}`.
   *
   *     A `signature` is given back as the result of the query that made the call had it.
   */
  tool_calls?:
    | {
        [k: string]: unknown;
      }[]
    | null;
  /**
   * Which call a tool's turn answers.
   */
  tool_call_id?: string | null;
}
/**
 * Of `ai/metrics`: none.
 */
export interface MetricsParams {}
/**
 * The answer to `ai/metrics`.
 */
export interface MetricsResult {
  total_requests: number;
  cache_hits: number;
  /**
   * Queries that the cache was asked for, and had no fresh answer to.
   */
  cache_misses: number;
  cache_hit_rate_percent: number;
  /**
   * Queries that shared the upstream call of an identical one.
   */
  joined: number;
  /**
   * Attempts that failed, over all providers.
   */
  failures: number;
  /**
   * Providers that are configured and whose breaker is not open.
   */
  providers_active: number;
  /**
   * Second calls in one attempt, over all providers.
   */
  retries: number;
  /**
   * Answers that only asked for a stronger model, over all providers.
   */
  escalations: number;
  stale_answers: number;
  unanswered: number;
  cancelled: number;
  /**
   * Of the answers whose cost was known, over all providers; null while there was none.
   */
  cost_usd: number | null;
  providers: {
    [k: string]: ProviderMetricsResult;
  };
}
/**
 * What one provider did so far.
 */
export interface ProviderMetricsResult {
  attempts: number;
  answered: number;
  /**
   * By failure kind.
   */
  failures: {
    [k: string]: number;
  };
  skipped: number;
  cancelled: number;
  /**
   * Of those answered: only asked for a stronger model.
   */
  escalated: number;
  /**
   * Second calls in one attempt, by the kind of the failure before.
   */
  retries: {
    [k: string]: number;
  };
  /**
   * Of its breaker, by the state that it came to.
   */
  transitions: {
    [k: string]: number;
  };
  /**
   * Of its breaker, by open reason.
   */
  openings: {
    [k: string]: number;
  };
  latency_ms: LatencyResult;
  first_token_ms: FirstTokenResult;
  input_tokens: number;
  /**
   * Of those: read from the upstream's own cache.
   */
  cached_input_tokens: number;
  output_tokens: number;
  /**
   * Of the answers whose cost was known; null while there was none.
   */
  cost_usd: number | null;
}
/**
 * A model that may be asked.
 */
export interface ModelResult {
  provider: string;
  backend: Backend;
  id: string;
  /**
   * The longest prompt that it reads; null where it is unknown.
   */
  context_tokens: number | null;
  /**
   * Whether it makes vectors, and not text.
   */
  embeds: boolean;
  /**
   * Whether it is asked where a query names none.
   */
  is_default: boolean;
}
/**
 * Of `ai/models`.
 */
export interface ModelsParams {
  /**
   * Only this provider's.
   */
  provider?: string | null;
}
/**
 * The answer to `ai/models`.
 */
export interface ModelsResult {
  models: ModelResult[];
  /**
   * Providers that would not say, and why.
   */
  problems: string[];
}
/**
 * The `data` of error -32050: why nobody answered, and what to do.
 */
export interface NoAnswerData {
  attempts: AttemptResult[];
  /**
   * When asking again may help; null if waiting will not.
   */
  retry_after_seconds: number | null;
  hint: string;
  /**
   * By provider: what can be done about it, where that is known better than the reason of its attempt tells.
   */
  hints: {
    [k: string]: string;
  };
  /**
   * The failure kind, where a tier refused the query itself so that no other was asked.
   */
  reason: string | null;
  /**
   * Whom one could count on last; null where that is not known.
   */
  last_answer: LastAnswerResult | null;
  /**
   * For `ai/explain`.
   */
  query_id: string | null;
}
/**
 * As LSP has it, in the units that were agreed upon.
 */
export interface PositionResult {
  line: number;
  character: number;
}
/**
 * One turn, as `ai/query` takes it.
 */
export interface PromptMessage {
  role: "system" | "user" | "assistant" | "tool";
  content: string;
}
/**
 * Of `ai/prompt`.
 */
export interface PromptParams {
  /**
   * The action whose prompt it is.
   */
  kind: "explain" | "fix" | "document" | "test" | "improve" | "comment" | "ask";
  /**
   * Of a document that is open, or of the file that `document` is in or of: it decides what may be said of that.
   */
  uri: string;
  /**
   * What it is about, where that is not open here.
   */
  document?: DocumentParam | null;
  /**
   * What is selected; an empty one means what is around it. Without it, the whole document.
   */
  range?: RangeParam | null;
  /**
   * Of the document that the range is of; without it, the newest.
   */
  version?: number | null;
  /**
   * The problems that `fix` is about.
   *
   * @maxItems 1000
   */
  diagnostics?: DiagnosticParam[];
  /**
   * What the person wants to know, for `ask`.
   */
  question?: string | null;
}
/**
 * The answer to `ai/prompt`: `messages` and `paths` are for `ai/query`.
 */
export interface PromptResult {
  messages: PromptMessage[];
  /**
   * The document's URI: it may make the query private.
   */
  paths: string[];
  /**
   * What is asked of what, in one line.
   */
  title: string;
  range: RangeResult;
  language_id: string;
}
/**
 * The whole lines that it is about.
 */
export interface RangeResult {
  start: PositionResult;
  end: PositionResult;
}
/**
 * Of `ai/pullRequest`: of the branch that is checked out.
 */
export interface PullRequestParams {
  /**
   * In the repository, as a path or a URI; without it, the first folder of the workspace.
   */
  folder?: string | null;
  /**
   * Whether a model is asked; otherwise the text is the template's.
   */
  use_llm?: boolean;
  /**
   * Only local tiers may see it.
   */
  private?: boolean;
  /**
   * LSP's own: what happens meanwhile is told by `$/progress` with this token, a line at a time.
   */
  workDoneToken?: number | string | null;
  /**
   * What it is to be merged into: a branch, a tag or a commit. Without it, the remote's default branch, or else
   *     `main`, `master` or `develop`.
   */
  base?: string | null;
}
/**
 * The answer to `ai/pullRequest`.
 */
export interface PullRequestResult {
  generated_by: "llm" | "template";
  /**
   * That wrote it; null if it is the template's.
   */
  model: string | null;
  /**
   * Where that model is.
   */
  provider: string | null;
  backend: Backend | null;
  /**
   * Why no model wrote it, and what to do; null if one did, or none was asked.
   */
  problem: string | null;
  /**
   * For `ai/explain`; null if nobody answered.
   */
  query_id: string | null;
  cost_usd: number | null;
  /**
   * Every tier that was tried or skipped, in order.
   */
  attempts: AttemptResult[];
  /**
   * Changed files of which no model was told anything, as they are excluded.
   */
  left_out: string[];
  /**
   * Changed files that were too large: a model was told their size, and the functions in them.
   */
  summarized: string[];
  title: string;
  /**
   * In Markdown; its last line names the model that wrote it.
   */
  body: string;
  /**
   * What the branch was compared with, such as `origin/main`.
   */
  base: string;
}
/**
 * Of `ai/query`: either `prompt` or `messages`, and how to answer it.
 */
export interface QueryParams {
  prompt?: string | null;
  /**
   * A conversation, oldest turn first.
   */
  messages?: MessageParam[] | null;
  /**
   * Instructions that come before everything.
   */
  system?: string | null;
  /**
   * Put before the prompt, or before the last turn of the user.
   *
   * @maxItems 1000
   */
  context?: ContextEntry[];
  /**
   * Ask only this role.
   */
  backend?: Backend | null;
  /**
   * Ask only this provider.
   */
  provider?: string | null;
  /**
   * Ask only tiers that offer this model.
   */
  model?: string | null;
  /**
   * Providers that are not asked.
   *
   * @maxItems 100
   */
  without?: string[];
  temperature?: number | null;
  max_tokens?: number | null;
  stop?: string | string[] | null;
  /**
   * Functions that the model may call, in OpenAI's shape.
   */
  tools?:
    | {
        [k: string]: unknown;
      }[]
    | null;
  response_format?: {
    [k: string]: unknown;
  } | null;
  /**
   * Only local tiers may see it.
   */
  private?: boolean;
  /**
   * Of the files that it quotes outside `context`, or their URIs: some may make it private, and one that is kept out
   *     of prompts has it refused.
   *
   * @maxItems 10000
   */
  paths?: string[];
  /**
   * Whether a dearer tier may answer where the first one can't; without it, as the settings say.
   */
  spend?: SpendRule | null;
  /**
   * How one query uses the cache: both ways, not at all, only reading, or only writing anew.
   */
  cache?: "on" | "off" | "read" | "refresh";
  /**
   * How long the answer stays fresh in the cache.
   */
  ttl_seconds?: number | null;
  /**
   * For everything together.
   */
  timeout_seconds?: number | null;
  /**
   * Let a model ask for a stronger one.
   */
  escalate?: boolean;
  /**
   * LSP's own: the answer is also streamed, by `$/progress` with this token.
   */
  partialResultToken?: number | string | null;
  /**
   * LSP's own: beginning and end are told by `$/progress` with this token.
   */
  workDoneToken?: number | string | null;
}
/**
 * The answer to `ai/query`.
 */
export interface QueryResult {
  response: string;
  backend: Backend;
  /**
   * Whether a circuit breaker lets calls through.
   */
  state: "closed" | "open" | "half_open";
  provider: string;
  model: string | null;
  finish_reason: FinishReason;
  usage: UsageResult;
  /**
   * Null where it is unknown.
   */
  cost_usd: number | null;
  cached: boolean;
  /**
   * Given from the cache past its time, because nobody else could answer.
   */
  stale: boolean;
  /**
   * How long ago a cached answer was given first.
   */
  age_seconds: number | null;
  query_id: string;
  elapsed_ms: number;
  /**
   * Every tier that was tried or skipped, in order.
   */
  attempts: AttemptResult[];
  tool_calls: ToolCallResult[];
  /**
   * Entries of the context that are kept out of prompts.
   */
  left_out: LeftOutResult[];
  /**
   * Who answered, how long it took, what it cost, and why nobody did before: one line for a person.
   */
  byline: string;
}
/**
 * A call that the model asks for.
 */
export interface ToolCallResult {
  id: string;
  name: string;
  /**
   * JSON text, as the model wrote it.
   */
  arguments: string;
  /**
   * The provider's own seal; give it back with the call.
   */
  signature: string | null;
}
/**
 * As LSP has it.
 */
export interface RangeResult1 {
  start: PositionResult;
  end: PositionResult;
}
/**
 * Of `ai/reset`.
 */
export interface ResetParams {
  /**
   * Close only this provider's breaker.
   */
  provider?: string | null;
  /**
   * Also empty the cache, and wipe the answers that outlive the process.
   */
  cache?: boolean;
}
/**
 * Discard what you have shown: the answer starts over.
 */
export interface ResetProgress {
  kind: "reset";
  reason: string;
}
/**
 * The answer to `ai/reset`.
 */
export interface ResetResult {
  status: "ok";
  /**
   * Whether a circuit breaker lets calls through.
   */
  state: "closed" | "open" | "half_open";
  /**
   * The providers whose breakers were closed.
   */
  reset: string[];
  /**
   * How many answers are kept no more; one that was in memory and on the disk counts twice.
   */
  forgotten: number;
}
/**
 * Of `ai/signIn`.
 */
export interface SignInParams {
  provider?: "copilot";
  /**
   * A GitHub session of the client's, to be kept in memory only. Without one, a device flow begins.
   */
  token?: string | null;
  /**
   * The web host that the session belongs to, such as `github.com`; it is refused if its token would go elsewhere.
   */
  host?: string | null;
  /**
   * Begin nothing: wait for the end of the device flow that was begun. Cancelling this gives that up.
   */
  wait?: boolean;
}
/**
 * The answer to `ai/signIn`. How it ends is told by a message and by `ai/status`.
 */
export interface SignInResult {
  status: "pending" | "signed_in";
  /**
   * To be typed at `verification_uri`; null once signed in.
   */
  user_code: string | null;
  verification_uri: string | null;
  expires_in_seconds: number | null;
}
/**
 * Of `ai/signOut`.
 */
export interface SignOutParams {
  provider?: "copilot";
  /**
   * Forget only the GitHub session that the client has handed over.
   */
  session_only?: boolean;
}
/**
 * The answer to `ai/signOut`.
 */
export interface SignOutResult {
  status: "ok";
  /**
   * Where a token still is that is not the gateway's to remove.
   */
  remaining: string[];
}
/**
 * Of `ai/simulate`, where the upstreams are simulated.
 */
export interface SimulateParams {
  provider: "copilot" | "openai" | "ollama";
  /**
   * How it fails from now on; null: not at all. A model on this machine knows only `down`, `broken_off`, `slow`.
   */
  fault?: ("rate_limited" | "quota" | "down" | "broken_off" | "slow" | "signed_out") | null;
}
/**
 * The answer to `ai/simulate`.
 */
export interface SimulateResult {
  status: "ok";
  /**
   * What is wrong with each provider now; null: nothing.
   */
  faults: {
    [k: string]: string | null;
  };
}
/**
 * A tier began to answer.
 */
export interface StartedProgress {
  kind: "started";
  provider: string;
  backend: Backend;
  model: string | null;
}

/** What belongs to each method. */
export interface Methods {
  "ai/query": { params: QueryParams; result: QueryResult; error_data: NoAnswerData; started: StartedProgress; delta: DeltaProgress; reset: ResetProgress; };
  "ai/health": { params: HealthParams; result: HealthResult; };
  "ai/doctor": { params: DoctorParams; result: DoctorResult; };
  "ai/embed": { params: EmbedParams; result: EmbedResult; error_data: NoAnswerData; };
  "ai/models": { params: ModelsParams; result: ModelsResult; };
  "ai/signIn": { params: SignInParams; result: SignInResult; };
  "ai/signOut": { params: SignOutParams; result: SignOutResult; };
  "ai/reset": { params: ResetParams; result: ResetResult; };
  "ai/force": { params: ForceParams; result: ForceResult; };
  "ai/explain": { params: ExplainParams; result: ExplainResult; };
  "ai/drill": { params: DrillParams; result: DrillResult; };
  "ai/pullRequest": { params: PullRequestParams; result: PullRequestResult; };
  "ai/commitMessage": { params: CommitMessageParams; result: CommitMessageResult; };
  "ai/prompt": { params: PromptParams; result: PromptResult; };
  "ai/simulate": { params: SimulateParams; result: SimulateResult; };
  "ai/metrics": { params: MetricsParams; result: MetricsResult; };
  "ai/history": { params: HistoryParams; result: HistoryResult; };
  "ai/status": { params: HealthSummary; };
  "ai/editor/models": { params: EditorModelsParams; };
  "ai/editor/chat": { params: EditorChatParams; result: EditorChatResult; error_data: EditorChatErrorData; delta: DeltaProgress; };
  "ai/editor/input": { params: EditorInputParams; result: EditorInputResult; };
}
