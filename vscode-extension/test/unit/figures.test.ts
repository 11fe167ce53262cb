import { describe, expect, it } from "vitest";
import { barsOf, hitRateOf, hitsOf, legsOf, rangesOf, rowsOf, timelineOf, totalOf } from "../../src/dashboard/figures";
import { hoursBetween, lastDays, noonOf, powers, roundSteps } from "../../src/dashboard/scales";
import type { DayResult, PastTransitionResult } from "../../src/generated/messages";

Object.assign(process.env, { TZ: "Europe/Berlin" });

const TODAY = new Date(2026, 10, 21, 15);
const day = (date: string, provider: string, how: Partial<DayResult> = {}): DayResult => ({
  date,
  provider,
  backend: "cloud",
  model: "m",
  queries: 1,
  input_tokens: 10,
  output_tokens: 5,
  cost_usd: null,
  failures: 0,
  ...how,
});

describe("round steps", () => {
  it.each([
    [0, [0]],
    [Number.NaN, [0]],
    [1, [0, 0.5, 1]],
    [7, [0, 2, 4, 6, 8]],
    [100, [0, 50, 100]],
    [101, [0, 50, 100, 150]],
    [3.2e12, [0, 1e12, 2e12, 3e12, 4e12]],
    [0.00032, [0, 0.0001, 0.0002, 0.0003, 0.0004]],
  ])("up to %d", (most, steps) => {
    expect(roundSteps(most)).toEqual(steps);
  });

  it("are whole for what is counted", () => {
    expect(roundSteps(2, 4, 1)).toEqual([0, 1, 2]);
  });

  it("in powers of ten enclose what there is", () => {
    expect(powers(340, 9100)).toEqual([100, 1000, 10_000]);
    expect(powers(100, 100)).toEqual([100, 1000]);
    expect(powers(1, 5)).toEqual([1, 10]);
  });
});

describe("days", () => {
  it("are one each on the days on which clocks are changed", () => {
    expect(lastDays(4, new Date(2026, 2, 30, 0, 30))).toEqual(["2026-03-27", "2026-03-28", "2026-03-29", "2026-03-30"]);
    expect(lastDays(3, new Date(2026, 9, 26, 0, 0))).toEqual(["2026-10-24", "2026-10-25", "2026-10-26"]);
  });

  it("go over the ends of months and years", () => {
    expect(lastDays(3, new Date(2027, 0, 1, 23, 59))).toEqual(["2026-12-30", "2026-12-31", "2027-01-01"]);
  });

  it("have a noon that is that day", () => {
    expect(noonOf("2026-03-29").getDate()).toBe(29);
  });

  it("have an hour twice when clocks go back, and one never when they go forward", () => {
    const clocks = (from: Date, to: Date) => hoursBetween(from, to, 1).map((hour) => hour.getHours());
    expect(clocks(new Date(2026, 9, 25, 0), new Date(2026, 9, 25, 5))).toEqual([0, 1, 2, 2, 3, 4, 5]);
    expect(clocks(new Date(2026, 2, 29, 0), new Date(2026, 2, 29, 5))).toEqual([0, 1, 3, 4, 5]);
  });
});

describe("the timeline", () => {
  const NOW = TODAY.getTime();
  const view = { now: NOW, hours: 24, width: 240 };
  const state = (provider: string, state: "closed" | "open" | "half_open", reason: string | null = null) => ({
    provider,
    state,
    reason,
  });
  const change = (hoursAgo: number, before: string, after: string, reason: string | null = null) =>
    ({ at: NOW / 1000 - hoursAgo * 3600, provider: "copilot", before, after, reason }) as PastTransitionResult;
  const shape = (transitions: PastTransitionResult[], now = state("copilot", "closed")) =>
    timelineOf([now], transitions, view).lanes[0]?.stretches.map(({ state: is, x, width }) => [
      is,
      Math.round(x),
      Math.round(width),
    ]);

  it("is one stretch where nothing happened", () => {
    expect(shape([])).toEqual([["closed", 0, 240]]);
    expect(shape([], state("copilot", "open", "auth"))).toEqual([["open", 0, 240]]);
  });

  it("begins in the state before the first transition", () => {
    expect(shape([change(12, "open", "half_open", "outage"), change(6, "half_open", "closed")])).toEqual([
      ["open", 0, 120],
      ["half_open", 120, 60],
      ["closed", 180, 60],
    ]);
  });

  it("leaves out what was before it", () => {
    expect(shape([change(30, "closed", "open", "outage"), change(12, "open", "closed")])).toEqual([
      ["open", 0, 120],
      ["closed", 120, 120],
    ]);
  });

  it("shows an outage of a second", () => {
    const stretches = shape([change(12, "closed", "open", "slow"), change(12 - 1 / 3600, "open", "closed")]);
    expect(stretches?.[1]).toEqual(["open", 120, 2]);
  });

  it("does not pile up marks that would be on top of each other", () => {
    const flapping = Array.from({ length: 2000 }, (_, index) =>
      index % 2 === 0
        ? change(12 - index / 36e4, "closed", "open", "outage")
        : change(12 - index / 36e4, "open", "closed"),
    );
    expect(shape(flapping)?.length).toBeLessThan(10);
  });

  it("keeps one provider's transitions from another's", () => {
    const { lanes } = timelineOf(
      [state("copilot", "open", "rate"), state("ollama", "closed")],
      [change(6, "closed", "open", "rate")],
      view,
    );
    expect(lanes.map(({ provider, stretches }) => [provider, stretches.length])).toEqual([
      ["copilot", 2],
      ["ollama", 1],
    ]);
  });

  it("names as many hours as there is room for", () => {
    expect(timelineOf([], [], { ...view, width: 240 }).ticks.length).toBe(4);
    expect(timelineOf([], [], { ...view, width: 1400 }).ticks.length).toBe(25);
    const hours = timelineOf([], [], { ...view, width: 600 }).ticks.map(({ value }) => new Date(value).getHours());
    expect(hours.every((hour) => hour % 3 === 0)).toBe(true);
  });
});

describe("ranges", () => {
  const metrics = (
    p50: number | null,
    p95: number | null,
    p99: number | null,
    first: [number | null, number | null],
  ) => ({
    latency_ms: { p50, p95, p99 },
    first_token_ms: { p50: first[0], p95: first[1] },
  });

  it("are placed on a logarithmic scale that encloses them", () => {
    const { rows, ticks } = rangesOf({ copilot: metrics(1000, 5000, 10_000, [100, 1000]) }, ["copilot"], 200);
    expect(ticks.map(({ at, value }) => [Math.round(at), value])).toEqual([
      [0, 100],
      [100, 1000],
      [200, 10_000],
    ]);
    expect(rows[0]?.ranges.map(({ measure, from, to, end }) => [measure, ...[from, to, end].map(Math.round)])).toEqual([
      ["firstToken", 0, 100, 100],
      ["whole", 100, 170, 200],
    ]);
  });

  it("leave out whoever has not answered, and are in the order of asking", () => {
    const { rows } = rangesOf(
      {
        ollama: metrics(1, 2, 3, [null, null]),
        openai: metrics(null, null, null, [null, null]),
        copilot: metrics(4, 5, 6, [1, 2]),
      },
      ["copilot", "openai", "ollama"],
      100,
    );
    expect(rows.map(({ provider, ranges }) => [provider, ranges.length])).toEqual([
      ["copilot", 2],
      ["ollama", 1],
    ]);
  });

  it("are none where nobody has answered", () => {
    expect(rangesOf({}, ["copilot"], 100)).toEqual({ rows: [], ticks: [] });
  });

  it("hold the quickest and the slowest answers", () => {
    const { rows } = rangesOf({ a: metrics(0.01, 0.2, 3e7, [0, 0]) }, ["a"], 100);
    for (const { from, to, end } of rows[0]?.ranges ?? []) {
      expect(from).toBeGreaterThanOrEqual(0);
      expect(Math.max(to, end)).toBeLessThanOrEqual(100);
    }
  });
});

describe("bars", () => {
  const view = { today: TODAY, days: 3, order: ["copilot", "openai"], width: 300, height: 100 };

  it("stack the providers in their order, from the bottom up", () => {
    const days = [
      day("2026-11-21", "openai", { input_tokens: 60, output_tokens: 0 }),
      day("2026-11-21", "copilot", { input_tokens: 30, output_tokens: 10 }),
    ];
    const { bars, ticks } = barsOf(days, "tokens", view);
    expect(ticks.at(-1)).toEqual({ at: 0, value: 100 });
    expect(bars[2]).toMatchObject({ date: "2026-11-21", total: 100 });
    expect(bars[2]?.pieces).toEqual([
      { provider: "copilot", y: 60, height: 40, value: 40 },
      { provider: "openai", y: 0, height: 60, value: 60 },
    ]);
  });

  it("add up the models of a provider", () => {
    const days = [
      day("2026-11-20", "copilot", { model: "a", queries: 2 }),
      day("2026-11-20", "copilot", { model: "b", queries: 3 }),
    ];
    expect(barsOf(days, "queries", view).bars[1]?.total).toBe(5);
  });

  it("leave a gap where a day has nothing, and are as many as there are days", () => {
    const { bars } = barsOf([day("2026-11-20", "copilot")], "tokens", view);
    expect(bars.map(({ pieces }) => pieces.length)).toEqual([0, 1, 0]);
    expect(bars.map(({ x }) => Math.round(x))).toEqual([26, 126, 226]);
  });

  it("have an axis where there is nothing at all", () => {
    const { bars, ticks } = barsOf([], "cost", view);
    expect(ticks).toEqual([{ at: 100, value: 0 }]);
    expect(bars.every(({ total }) => total === 0)).toBe(true);
  });

  it("take an unknown cost for none", () => {
    expect(
      totalOf(
        [day("2026-11-20", "openai", { cost_usd: null }), day("2026-11-21", "openai", { cost_usd: 0.5 })],
        "cost",
      ),
    ).toBe(0.5);
  });

  it("stay within the picture for huge numbers", () => {
    const { bars } = barsOf([day("2026-11-21", "copilot", { input_tokens: 9.87e14 })], "tokens", view);
    const piece = bars[2]?.pieces[0];
    expect(piece?.y).toBeGreaterThanOrEqual(0);
    expect((piece?.y ?? 0) + (piece?.height ?? 0)).toBeCloseTo(100);
  });

  it("date the last bar, and others as there is room", () => {
    const { dates } = barsOf([], "tokens", { ...view, days: 30, width: 360 });
    expect(dates.at(-1)?.date).toBe("2026-11-21");
    expect(dates.length).toBe(8);
  });

  it("are a table for those who would rather read", () => {
    const days = [day("2026-11-20", "copilot", { cost_usd: 0 }), day("2026-11-21", "openai", { cost_usd: 0.2 })];
    expect(rowsOf(days, "cost", ["copilot", "openai"])).toEqual([{ date: "2026-11-21", values: [0, 0.2] }]);
    expect(rowsOf(days, "queries", ["copilot", "openai"]).map(({ date }) => date)).toEqual([
      "2026-11-21",
      "2026-11-20",
    ]);
  });
});

describe("the cache", () => {
  const cache = [
    { date: "2026-11-19", hits: 1, misses: 3 },
    { date: "2026-11-21", hits: 0, misses: 4 },
  ];

  it("has helped so often", () => {
    expect(hitRateOf(cache)).toBe(12.5);
    expect(hitRateOf([])).toBeUndefined();
  });

  it("has a bar for each day on which it was asked", () => {
    const bars = hitsOf(cache, { today: TODAY, days: 3, width: 300, height: 40 });
    expect(bars.map(({ date, height, x }) => [date, height, Math.round(x)])).toEqual([
      ["2026-11-19", 10, 14],
      ["2026-11-21", 0, 214],
    ]);
  });
});

describe("the attempts of a query", () => {
  const attempt = (provider: string, outcome: "answered" | "failed" | "skipped", elapsed_ms: number) => ({
    provider,
    backend: "cloud" as const,
    outcome,
    reason: null,
    elapsed_ms,
    is_rehearsal: false,
  });

  it("follow each other over its time", () => {
    const attempts = [
      attempt("copilot", "skipped", 0),
      attempt("openai", "failed", 250),
      attempt("ollama", "answered", 750),
    ];
    expect(legsOf({ attempts, elapsed_ms: 1000 }, 100).map(({ x, width }) => [x, width])).toEqual([
      [0, 0],
      [0, 25],
      [25, 75],
    ]);
  });

  it("fit even if they took longer than it says", () => {
    const legs = legsOf(
      { attempts: [attempt("openai", "failed", 30), attempt("ollama", "failed", 30)], elapsed_ms: 0 },
      100,
    );
    expect(legs.map(({ x, width }) => x + width)).toEqual([50, 100]);
  });
});
