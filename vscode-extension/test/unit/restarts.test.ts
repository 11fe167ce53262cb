import { expect, test } from "vitest";
import { Restarts } from "../../src/server/restarts";

const MINUTE = 60_000;

function crashing(): { crash: (afterMs: number) => number | undefined; restarts: Restarts } {
  let now = 0;
  const restarts = new Restarts(() => now);
  return {
    restarts,
    crash: (afterMs) => {
      now += afterMs;
      return restarts.afterCrash();
    },
  };
}

test("the first crash is made good at once, the next ones after growing waits, the fifth not any more", () => {
  const { crash } = crashing();
  const waits = [crash(1000), crash(1000), crash(1000), crash(1000), crash(1000)];
  expect(waits[0]).toBe(0);
  expect(waits.slice(1, 4)).toEqual([...(waits.slice(1, 4) as number[])].sort((a, b) => a - b));
  expect(waits[1]).toBeGreaterThan(0);
  expect(waits[4]).toBeUndefined();
});

test("a crash now and then is always made good at once", () => {
  const { crash } = crashing();
  for (let times = 0; times < 20; times++) expect(crash(3 * MINUTE)).toBe(0);
});

test("after a person started it, crashes count anew", () => {
  const { crash, restarts } = crashing();
  while (crash(1) !== undefined);
  restarts.forget();
  expect(crash(1)).toBe(0);
});
