/** From values to places in a picture, and the round numbers that stand beside it. */

/** Round steps from 0 to `most` or a little more, at most `count` of them besides 0. Whole numbers stay whole. */
export function roundSteps(most: number, count = 4, leastStep = 0): number[] {
  if (!(most > 0) || !Number.isFinite(most)) return [0];
  const rough = most / count;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const round = [1, 2, 5, 10].find((each) => each * magnitude >= rough * (1 - 1e-9)) ?? 10;
  const step = Math.max(round * magnitude, leastStep);
  const steps = Math.ceil(most / step - 1e-9);
  return Array.from({ length: steps + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** The powers of ten, from the last one below `least` to the first one above `most`. */
export function powers(least: number, most: number): number[] {
  const from = Math.floor(Math.log10(least) + 1e-9);
  const to = Math.max(from + 1, Math.ceil(Math.log10(most) - 1e-9));
  return Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index));
}

/** The local days up to today, the oldest first, as `2026-11-21`; a day is one however long it lasts. */
export function lastDays(count: number, today: Date): string[] {
  return Array.from({ length: count }, (_, index) => {
    const ago = count - 1 - index;
    return dateOf(new Date(today.getFullYear(), today.getMonth(), today.getDate() - ago, 12));
  });
}

/** The local date of a moment, as `2026-11-21`. */
export function dateOf(moment: Date): string {
  const pad = (part: number) => String(part).padStart(2, "0");
  return `${moment.getFullYear()}-${pad(moment.getMonth() + 1)}-${pad(moment.getDate())}`;
}

/** Noon of a date, so that it is that day in every reckoning. */
export function noonOf(date: string): Date {
  const [year = 0, month = 1, day = 1] = date.split("-").map(Number);
  return new Date(year, month - 1, day, 12);
}

/** The full local hours between two moments that a clock would show as multiples of `every`. */
export function hoursBetween(from: Date, to: Date, every: number): Date[] {
  const hours: Date[] = [];
  const hour = new Date(from);
  hour.setMinutes(0, 0, 0);
  while (hour <= to) {
    if (hour >= from && hour.getHours() % every === 0) hours.push(new Date(hour));
    hour.setTime(hour.getTime() + 3600_000); // through a change of the clocks too, where setHours could stand still
  }
  return hours;
}
