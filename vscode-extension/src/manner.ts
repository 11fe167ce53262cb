/** How a person is spoken to: their language, and their clock. */

/** Puts texts into their language: `vscode.l10n`, or what stands in for it where there is no editor. */
export interface Localizer {
  t(message: string, ...values: (string | number)[]): string;
}

export interface Manner {
  readonly l10n: Localizer;
  /** As `Intl` takes it. */
  readonly locale: string;
  readonly now: Date;
}
