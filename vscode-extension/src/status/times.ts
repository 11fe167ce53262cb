/** Moments as a person says them. They are absolute, so that what was said stays true without a clock ticking. */

import type { Manner } from "../manner";

/** Seconds; below it, tenths of them say too little. */
const MOMENT = 0.095;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const DAY_MS = DAY * 1000;
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

/** Say how long something took, or is ago, no more exactly than a person wants to know it: `40 ms`, `0.3 s`, `12 min`. */
export function spanInWords(seconds: number, { l10n, locale }: Omit<Manner, "now">): string {
  const figure = (value: number, decimals = 0) =>
    new Intl.NumberFormat(locale, { maximumFractionDigits: decimals }).format(value);
  if (seconds < MOMENT) return l10n.t("{0} ms", figure(seconds * 1000));
  if (seconds < 2 * MINUTE) return l10n.t("{0} s", figure(seconds, seconds < 10 ? 1 : 0));
  if (seconds < 2 * HOUR) return l10n.t("{0} min", figure(seconds / MINUTE));
  if (seconds < 2 * DAY) return l10n.t("{0} h", figure(seconds / HOUR));
  return l10n.t("{0} days", figure(seconds / DAY));
}

/** Say how long something is ago, in whole seconds at least. */
export const ageInWords = (seconds: number, manner: Manner): string =>
  spanInWords(Math.max(1, Math.round(seconds)), manner);

/** Give the local time by the clock, in 24 hours. */
export function clockTime(moment: Date, locale: string, how: { withSeconds?: boolean } = {}): string {
  const seconds = how.withSeconds === true ? { second: "2-digit" as const } : {};
  const shape = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...seconds } as const;
  return new Intl.DateTimeFormat(locale, shape).format(moment);
}

const weekday = (moment: Date, locale: string): string =>
  new Intl.DateTimeFormat(locale, { weekday: "short" }).format(moment);
