/** Moments as a person says them. They are absolute, so that what was said stays true without a clock ticking. */

import type { Manner } from "../manner";

const DAY_MS = 24 * 3600 * 1000;
const WEEK_MS = 7 * DAY_MS;
/** So near, a minute is too coarse. */
const SOON_MS = 2 * 60 * 1000;

/**
 * Name a moment to come: `14:05`, `14:05:10` if it is near, `Tue 14:05` if it is more than a day away, and its date
 * from a week on.
 */
export function momentToCome(moment: Date, { now, locale }: Omit<Manner, "l10n">): string {
  const away = moment.getTime() - now.getTime();
  if (away < SOON_MS) return clockTime(moment, locale, { withSeconds: true });
  if (away < DAY_MS) return clockTime(moment, locale);
  if (away < WEEK_MS - DAY_MS) return `${weekday(moment, locale)} ${clockTime(moment, locale)}`;
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" }).format(moment);
}

/** Give the local time by the clock, in 24 hours. */
export function clockTime(moment: Date, locale: string, how: { withSeconds?: boolean } = {}): string {
  const seconds = how.withSeconds === true ? { second: "2-digit" as const } : {};
  const shape = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...seconds } as const;
  return new Intl.DateTimeFormat(locale, shape).format(moment);
}

const weekday = (moment: Date, locale: string): string =>
  new Intl.DateTimeFormat(locale, { weekday: "short" }).format(moment);
