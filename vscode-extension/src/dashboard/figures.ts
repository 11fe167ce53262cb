/** Pictures as models: what is where, and what it is called. Whoever draws them decides nothing. */

import type {
  BreakerState,
  CacheDayResult,
  DayResult,
  LatencyResult,
  PastQueryResult,
  PastTransitionResult,
  ProviderMetricsResult,
} from "../generated/messages";
import { hoursBetween, lastDays, powers, roundSteps } from "./scales";

export interface Tick {
  readonly at: number;
  readonly value: number;
}

/** A stretch of time in which a breaker was in one state. */
export interface Stretch {
  readonly x: number;
  readonly width: number;
  readonly from: number;
  readonly to: number;
  readonly state: BreakerState;
  readonly reason: string | null;
}

export interface Lane {
  readonly provider: string;
  readonly stretches: readonly Stretch[];
}

export interface Timeline {
  readonly lanes: readonly Lane[];
  /** Moments, in milliseconds since the epoch. */
  readonly ticks: readonly Tick[];
}

const HOUR_MS = 3600_000;
/** What is narrower can't be seen; an outage has to be. */
const LEAST_WIDTH = 2;
const TICK_ROOM = 56;

/**
 * Lay out what the breakers did in the last hours.
 *
 * @param states What each is now, in the order of asking.
 * @param transitions The oldest first; `at` in seconds since the epoch.
 * @param now In milliseconds since the epoch.
 */
export function timelineOf(
  states: readonly { provider: string; state: BreakerState; reason: string | null }[],
  transitions: readonly PastTransitionResult[],
  view: { now: number; hours: number; width: number },
): Timeline {
  const start = view.now - view.hours * HOUR_MS;
  const place = (moment: number) => ((moment - start) / (view.now - start)) * view.width;
  const lanes = states.map(({ provider, state, reason }) => ({
    provider,
    stretches: stretchesOf(
      transitions.filter((each) => each.provider === provider),
      { state, reason },
      { start, now: view.now, place },
    ),
  }));
  const every = [1, 2, 3, 4, 6, 12, 24].find((each) => (each / view.hours) * view.width >= TICK_ROOM) ?? 24;
  const ticks = hoursBetween(new Date(start), new Date(view.now), every).map((hour) => ({
    at: place(hour.getTime()),
    value: hour.getTime(),
  }));
  return { lanes, ticks };
}

interface Span {
  readonly start: number;
  readonly now: number;
  place(moment: number): number;
}

function stretchesOf(
  transitions: readonly PastTransitionResult[],
  current: { state: BreakerState; reason: string | null },
  { start, now, place }: Span,
): Stretch[] {
  const [first] = transitions;
  const before = first === undefined ? current : { state: first.before, reason: null };
  const changes = [
    { at: start, ...before },
    ...transitions.map(({ at, after, reason }) => ({ at: at * 1000, state: after, reason })),
  ];
  const stretches = changes.map(({ at, state, reason }, index) => {
    const from = Math.min(Math.max(at, start), now);
    const to = Math.min(Math.max(changes[index + 1]?.at ?? now, from), now);
    const x = place(from);
    const least = state === "closed" ? 0 : LEAST_WIDTH;
    return { x, width: Math.max(place(to) - x, least), from, to, state, reason };
  });
  return merged(stretches.filter(({ width }) => width > 0));
}

/** One stretch for each run of the same state and reason, and one for what falls on the same two pixels. */
function merged(stretches: readonly Stretch[]): Stretch[] {
  const all: Stretch[] = [];
  for (const stretch of stretches) {
    const last = all.at(-1);
    const isSame = last !== undefined && last.state === stretch.state && last.reason === stretch.reason;
    const isHidden = last !== undefined && last.state !== "closed" && stretch.x + stretch.width <= last.x + last.width;
    if (last !== undefined && (isSame || isHidden)) {
      const width = Math.max(last.width, stretch.x + stretch.width - last.x);
      all[all.length - 1] = { ...last, to: stretch.to, width };
    } else all.push(stretch);
  }
  return all;
}

export interface Range {
  readonly measure: "firstToken" | "whole";
  /** From half of the answers to nearly all. */
  readonly from: number;
  readonly to: number;
  /** How far the slowest go; where it is not known, `to`. */
  readonly end: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number | null;
}

export interface Ranges {
  readonly rows: readonly { readonly provider: string; readonly ranges: readonly Range[] }[];
  /** Milliseconds. */
  readonly ticks: readonly Tick[];
}

/** Lay out how long answers take, on a logarithmic scale, as providers differ by the hundredfold. */
export function rangesOf(
  providers: Readonly<Record<string, Pick<ProviderMetricsResult, "latency_ms" | "first_token_ms">>>,
  order: readonly string[],
  width: number,
): Ranges {
  const known = order.flatMap((provider) => {
    const metrics = providers[provider];
    return metrics === undefined ? [] : [{ provider, measured: measuredOf(metrics) }];
  });
  const rows = known.filter(({ measured }) => measured.length > 0);
  const values = rows.flatMap(({ measured }) => measured.flatMap(({ p50, p95, p99 }) => [p50, p95, p99 ?? p95]));
  if (values.length === 0) return { rows: [], ticks: [] };
  const ticks = powers(Math.max(1, Math.min(...values)), Math.max(1, ...values));
  const [least = 1, most = 10] = [ticks[0], ticks.at(-1)];
  const place = (value: number) => (Math.log10(Math.max(value, least) / least) / Math.log10(most / least)) * width;
  return {
    rows: rows.map(({ provider, measured }) => ({
      provider,
      ranges: measured.map((each) => ({
        ...each,
        from: place(each.p50),
        to: place(each.p95),
        end: place(each.p99 ?? each.p95),
      })),
    })),
    ticks: ticks.map((value) => ({ at: place(value), value })),
  };
}

type Measured = Pick<Range, "measure" | "p50" | "p95" | "p99">;

function measuredOf(metrics: Pick<ProviderMetricsResult, "latency_ms" | "first_token_ms">): Measured[] {
  const first: LatencyResult = { ...metrics.first_token_ms, p99: null };
  const both: [Range["measure"], LatencyResult][] = [
    ["firstToken", first],
    ["whole", metrics.latency_ms],
  ];
  return both.flatMap(([measure, { p50, p95, p99 }]) =>
    p50 === null || p95 === null ? [] : [{ measure, p50, p95, p99 }],
  );
}

export type Measure = "tokens" | "cost" | "queries";

export interface Piece {
  readonly provider: string;
  readonly y: number;
  readonly height: number;
  readonly value: number;
}

export interface DayBar {
  readonly date: string;
  readonly x: number;
  readonly width: number;
  readonly total: number;
  /** From the bottom up. */
  readonly pieces: readonly Piece[];
}

export interface Bars {
  readonly bars: readonly DayBar[];
  /** The bars' measure, from the bottom up. */
  readonly ticks: readonly Tick[];
  /** Dates under the bars, so many as there is room for. */
  readonly dates: readonly { readonly at: number; readonly date: string }[];
}

const LABEL_ROOM = 48;
const WIDEST_BAR = 48;

/**
 * Lay out what each day was used for, a piece for each provider.
 *
 * @param order Of the pieces, from the bottom up.
 */
export function barsOf(
  days: readonly DayResult[],
  measure: Measure,
  view: { today: Date; days: number; order: readonly string[]; width: number; height: number },
): Bars {
  const dates = lastDays(view.days, view.today);
  const amounts = amountsOf(days, measure);
  const totals = dates.map((date) => sum(view.order.map((provider) => amounts.get(`${date} ${provider}`) ?? 0)));
  const ticks = roundSteps(Math.max(0, ...totals), 3, measure === "cost" ? 0 : 1);
  const top = ticks.at(-1) || 1;
  const slot = view.width / view.days;
  const width = Math.min(slot * 0.72, WIDEST_BAR);
  const bars = dates.map((date, index) => {
    const x = index * slot + (slot - width) / 2;
    const pieces = stacked(
      view.order,
      (provider) => amounts.get(`${date} ${provider}`) ?? 0,
      view.height / top,
      view.height,
    );
    return { date, x, width, total: totals[index] ?? 0, pieces };
  });
  return {
    bars,
    ticks: ticks.map((value) => ({ at: view.height - (value / top) * view.height, value })),
    dates: labelled(bars, slot),
  };
}

/** The days as numbers, for whoever would rather read them: a row for each day on which anything was. */
export function rowsOf(
  days: readonly DayResult[],
  measure: Measure,
  order: readonly string[],
): { date: string; values: number[] }[] {
  const amounts = amountsOf(days, measure);
  const dates = [...new Set(days.map(({ date }) => date))].sort().reverse();
  const rows = dates.map((date) => ({
    date,
    values: order.map((provider) => amounts.get(`${date} ${provider}`) ?? 0),
  }));
  return rows.filter(({ values }) => values.some((value) => value > 0));
}

/** Sum over all days. */
export function totalOf(days: readonly DayResult[], measure: Measure): number {
  return sum(days.map((day) => amountOf(day, measure)));
}

function amountsOf(days: readonly DayResult[], measure: Measure): Map<string, number> {
  const amounts = new Map<string, number>();
  for (const day of days) {
    const key = `${day.date} ${day.provider}`;
    amounts.set(key, (amounts.get(key) ?? 0) + amountOf(day, measure));
  }
  return amounts;
}

function amountOf(day: DayResult, measure: Measure): number {
  if (measure === "tokens") return day.input_tokens + day.output_tokens;
  return measure === "cost" ? (day.cost_usd ?? 0) : day.queries;
}

function stacked(order: readonly string[], of: (provider: string) => number, scale: number, bottom: number): Piece[] {
  const pieces: Piece[] = [];
  let y = bottom;
  for (const provider of order) {
    const value = of(provider);
    if (value <= 0) continue;
    const height = value * scale;
    y -= height;
    pieces.push({ provider, y, height, value });
  }
  return pieces;
}

/** Date the last bar, and as many before it as have room. */
function labelled(bars: readonly DayBar[], slot: number): Bars["dates"] {
  const every = Math.max(1, Math.ceil(LABEL_ROOM / slot));
  return bars
    .filter((_, index) => (bars.length - 1 - index) % every === 0)
    .map(({ date, x, width }) => ({ date, at: x + width / 2 }));
}

export interface HitBar {
  readonly date: string;
  readonly hits: number;
  readonly misses: number;
  readonly x: number;
  readonly width: number;
  readonly height: number;
}

/** Lay out how often the cache helped, each day; the whole height is always. */
export function hitsOf(
  cache: readonly CacheDayResult[],
  view: { today: Date; days: number; width: number; height: number },
): HitBar[] {
  const slot = view.width / view.days;
  const byDate = new Map(cache.map((day) => [day.date, day]));
  return lastDays(view.days, view.today).flatMap((date, index) => {
    const { hits = 0, misses = 0 } = byDate.get(date) ?? {};
    if (hits + misses === 0) return [];
    const height = (hits / (hits + misses)) * view.height;
    return [{ date, hits, misses, x: index * slot + slot * 0.14, width: slot * 0.72, height }];
  });
}

/** How often it helped over all, in percent; undefined where it was never asked. */
export function hitRateOf(cache: readonly CacheDayResult[]): number | undefined {
  const hits = sum(cache.map((day) => day.hits));
  const asked = hits + sum(cache.map((day) => day.misses));
  return asked === 0 ? undefined : (hits / asked) * 100;
}

export interface Leg {
  readonly provider: string;
  readonly outcome: PastQueryResult["attempts"][number]["outcome"];
  readonly reason: string | null;
  readonly elapsedMs: number;
  readonly x: number;
  readonly width: number;
}

/** Lay out the attempts of a query one after the other, as they were made; a skipped one takes no time. */
export function legsOf(query: Pick<PastQueryResult, "attempts" | "elapsed_ms">, width: number): Leg[] {
  const whole = Math.max(query.elapsed_ms, sum(query.attempts.map((attempt) => attempt.elapsed_ms)), 1);
  let at = 0;
  return query.attempts.map(({ provider, outcome, reason, elapsed_ms: elapsedMs }) => {
    const leg = { provider, outcome, reason, elapsedMs, x: (at / whole) * width, width: (elapsedMs / whole) * width };
    at += elapsedMs;
    return leg;
  });
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
