/** Figures as the page says them. */

import type { Measure } from "../../dashboard/figures";
import { noonOf } from "../../dashboard/scales";
import { usdInWords } from "../../money";
import { clockTime } from "../../status/times";
import type { Strings } from "./messages";

/** How the page speaks. */
export class Speech {
  constructor(
    readonly strings: Strings,
    private readonly reasons: Readonly<Record<string, string>>,
    private readonly locale: string,
  ) {}

  /** Put values where `{0}` and so on stand. */
  fill(template: string, ...values: (string | number)[]): string {
    return template.replace(/\{(\d)\}/g, (_, index: string) => String(values[Number(index)] ?? ""));
  }

  reason(code: string): string {
    return this.reasons[code] ?? code.replaceAll("_", " ");
  }

  time(moment: number): string {
    return clockTime(new Date(moment), this.locale);
  }

  /** The time of something that was: with its day, where that is not today. */
  moment(moment: number): string {
    const [then, today] = [new Date(moment), new Date()];
    const time = clockTime(then, this.locale, { withSeconds: true });
    return then.toDateString() === today.toDateString() ? time : `${this.day(then)} ${this.time(moment)}`;
  }

  date(date: string): string {
    return this.day(noonOf(date));
  }

  took(milliseconds: number): string {
    if (milliseconds < 1) return "<1 ms";
    if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
    const seconds = milliseconds / 1000;
    if (seconds < 120) return `${this.number(seconds, seconds < 10 ? 1 : 0)} s`;
    return `${this.number(seconds / 60, seconds < 600 ? 1 : 0)} min`;
  }

  /** A few letters for any number. */
  compact(value: number): string {
    const shape = { notation: "compact", maximumFractionDigits: value < 10 ? 1 : 0 } as const;
    return new Intl.NumberFormat(this.locale, shape).format(value);
  }

  count(value: number): string {
    return new Intl.NumberFormat(this.locale).format(value);
  }

  usd(value: number): string {
    return usdInWords(value, this.locale);
  }

  amount(value: number, measure: Measure): string {
    return measure === "cost" ? this.usd(value) : this.count(value);
  }

  short(value: number, measure: Measure): string {
    if (measure !== "cost") return this.compact(value);
    return value >= 1000 ? `$${this.compact(value)}` : value >= 1 ? `$${this.number(value, 0)}` : this.usd(value);
  }

  percent(value: number): string {
    return `${this.number(value, 0)} %`;
  }

  private number(value: number, decimals: number): string {
    return new Intl.NumberFormat(this.locale, { maximumFractionDigits: decimals }).format(value);
  }

  private day(moment: Date): string {
    return new Intl.DateTimeFormat(this.locale, { day: "numeric", month: "short" }).format(moment);
  }
}
