/** How often a server that crashes is started again. */

/** Waits before each new start, as long as there are no more crashes than this within the window. */
const WAITS_MS = [0, 1_000, 4_000, 10_000] as const;
const WINDOW_MS = 3 * 60_000;

/** Counts crashes; the first is made good at once, the next ones after growing waits, and then it gives up. */
export class Restarts {
  #crashes: number[] = [];

  constructor(private readonly now: () => number) {}

  /** Note a crash. Gives the milliseconds to wait before the next start; undefined: no more by itself. */
  afterCrash(): number | undefined {
    const now = this.now();
    this.#crashes = [...this.#crashes.filter((at) => now - at < WINDOW_MS), now];
    return WAITS_MS[this.#crashes.length - 1];
  }

  /** A person wants it to go on. */
  forget(): void {
    this.#crashes = [];
  }
}
