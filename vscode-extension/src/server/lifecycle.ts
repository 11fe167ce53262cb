/** When the server is started, ended, and started again. How it is found, and what a process is, is for others to know. */

import type { ServerState } from "./gateway";
import type { Ending, Launch } from "./process";
import { Restarts } from "./restarts";

/** What there is to run, or the state that the want of it is. */
export type Found =
  | { readonly launch: Launch }
  | { readonly kind: "noPython" | "wrongCommand"; readonly reason: string };

/** A run of the server that answers. */
export interface Running {
  readonly version: string;
  readonly ended: Promise<Ending>;
  end(): Promise<void>;
}

/** The process ended, or had to be ended, before it answered. */
export class StartFailed extends Error {
  constructor(readonly ending: Ending) {
    super(ending.words);
  }
}

/** What the lifecycle has others do. */
export interface Stage<R extends Running> {
  find(): Promise<Found>;
  /** Start it. `isCurrent` turns false with its end, and with the wish for it. Throws `StartFailed`. */
  begin(launch: Launch, isSimulated: boolean, isCurrent: () => boolean): Promise<R>;
  /** Another state, which `state` gives already. */
  entered(state: ServerState): void;
  /** Something ended that should not. */
  failed(words: string): void;
  now(): number;
  /** Call back after a while; gives what cancels that. */
  after(milliseconds: number, work: () => void): () => void;
}

/** At most one run at a time; starts and stops wait for each other. */
export class Lifecycle<R extends Running> {
  readonly #restarts: Restarts;
  #state: ServerState = { kind: "stopped" };
  #run: R | undefined;
  #found: Found | undefined;
  #turn: Promise<void> = Promise.resolve();
  #isSimulated = false;
  #isOver = false;
  #cancelWait = () => {};
  /** Another object for each start; undefined while nothing is to run. */
  #current: object | undefined;

  constructor(private readonly stage: Stage<R>) {
    this.#restarts = new Restarts(() => stage.now());
  }

  get state(): ServerState {
    return this.#state;
  }

  /** The run that answers now. */
  get run(): R | undefined {
    return this.#run;
  }

  /** What there was to run at the last start. */
  get launch(): Launch | undefined {
    return this.#found !== undefined && "launch" in this.#found ? this.#found.launch : undefined;
  }

  /** Start it, unless it runs, or was given up. */
  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#run === undefined && this.#state.kind !== "crashed") await this.#begin();
    });
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      this.#enter({ kind: "stopped" });
      await this.#end();
    });
  }

  /** Stop it for good. */
  finish(): Promise<void> {
    this.#isOver = true;
    return this.stop();
  }

  restart(how: { simulated?: boolean } = {}): Promise<void> {
    return this.#inTurn(async () => {
      this.#isSimulated = how.simulated ?? this.#isSimulated;
      await this.#beginAnew();
    });
  }

  /** Begin again, if what is to be run is no longer what runs. */
  runOther(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state.kind === "stopped") return;
      const found = await this.stage.find();
      if (whatRuns(found) !== whatRuns(this.#found)) await this.#beginAnew();
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work).catch((error: unknown) => {
      if (this.#state.kind === "starting") this.#recover({ words: String(error) });
      else this.stage.failed(String(error));
    });
    return this.#turn;
  }

  async #beginAnew(): Promise<void> {
    this.#restarts.forget();
    this.#enter({ kind: "starting" });
    await this.#end();
    await this.#begin();
  }

  async #begin(): Promise<void> {
    this.#cancelWait();
    if (this.#isOver) return;
    this.#enter({ kind: "starting" });
    const found = await this.stage.find();
    this.#found = found;
    if ("launch" in found) await this.#beginRun(found.launch);
    else this.#enter({ kind: found.kind, reason: found.reason });
  }

  async #beginRun(launch: Launch): Promise<void> {
    const current = {};
    this.#current = current;
    const isSimulated = this.#isSimulated;
    try {
      const run = await this.stage.begin(launch, isSimulated, () => this.#current === current);
      this.#run = run;
      void run.ended.then((ending) => this.#current === current && this.#recover(ending));
      this.#enter({ kind: "running", version: run.version, simulated: isSimulated });
    } catch (error) {
      if (!(error instanceof StartFailed)) throw error;
      this.#recover(error.ending);
    }
  }

  async #end(): Promise<void> {
    this.#cancelWait();
    const run = this.#leave();
    await run?.end();
  }

  /** It ended by itself. */
  #recover({ words, hopeless }: Ending): void {
    this.#leave();
    this.stage.failed(words);
    if (hopeless === undefined) this.#startAfter(this.#restarts.afterCrash(), words);
    else this.#enter({ kind: hopeless, reason: words });
  }

  #startAfter(waitMs: number | undefined, reason: string): void {
    this.#cancelWait();
    if (waitMs === undefined) {
      this.#enter({ kind: "crashed", reason });
    } else {
      this.#enter({ kind: "starting" });
      this.#cancelWait = this.stage.after(waitMs, () => void this.start());
    }
  }

  #leave(): R | undefined {
    const run = this.#run;
    this.#run = undefined;
    this.#current = undefined;
    return run;
  }

  #enter(state: ServerState): void {
    if (state.kind === "starting" && this.#state.kind === "starting") return;
    this.#state = state;
    this.stage.entered(state);
  }
}

/** Tells one from another; who has named it makes no difference. */
function whatRuns(found: Found | undefined): string {
  const without = (name: string, value: unknown) => (name === "origin" ? undefined : value);
  return JSON.stringify(found, without) ?? "";
}
