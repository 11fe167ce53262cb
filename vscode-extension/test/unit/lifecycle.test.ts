import { afterEach, expect, test, vi } from "vitest";
import type { ServerState } from "../../src/server/gateway";
import { type Found, Lifecycle, type Running, StartFailed } from "../../src/server/lifecycle";
import type { Ending } from "../../src/server/process";

const BUNDLED = {
  launch: { kind: "bundled", command: "/usr/bin/python3", args: [], cwd: "/", origin: "PATH" },
} as const;
const OTHER: Found = { launch: { kind: "bundled", command: "/opt/bin/python3", args: [], cwd: "/", origin: "PATH" } };
const NO_PYTHON: Found = { kind: "noPython", reason: "there is none" };
const CRASH: Ending = { words: "SIGKILL" };
const HOUR = 3_600_000;

class FakeRun implements Running {
  readonly version = "1.2.3";
  readonly ended: Promise<Ending>;
  crash: (ending?: Ending) => void = () => undefined;
  wasEnded = false;

  constructor(
    readonly command: string,
    readonly isSimulated: boolean,
    readonly isCurrent: () => boolean,
  ) {
    this.ended = new Promise((resolve) => {
      this.crash = (ending = CRASH) => resolve(ending);
    });
  }

  async end(): Promise<void> {
    this.wasEnded = true;
    this.crash({ words: "exit code 0" });
  }
}

function staged() {
  vi.useFakeTimers();
  const stage = {
    found: BUNDLED as Found,
    begun: [] as FakeRun[],
    states: [] as string[],
    failures: [] as string[],
    /** What a start waits for. */
    handshake: async (): Promise<void> => undefined,
    find: async () => stage.found,
    begin: async (launch: { command: string }, isSimulated: boolean, isCurrent: () => boolean) => {
      const run = new FakeRun(launch.command, isSimulated, isCurrent);
      stage.begun.push(run);
      await stage.handshake();
      return run;
    },
    entered: (state: ServerState) => void stage.states.push(state.kind),
    failed: (words: string) => void stage.failures.push(words),
    now: Date.now,
    after: (milliseconds: number, work: () => void) => {
      const timer = setTimeout(work, milliseconds);
      return () => clearTimeout(timer);
    },
  };
  const newest = () => stage.begun.at(-1) as FakeRun;
  const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
  const crashes = async (times: number) => {
    for (let time = 0; time < times; time++) {
      newest().crash();
      await pass(15_000);
    }
  };
  return { stage, lifecycle: new Lifecycle<FakeRun>(stage), newest, pass, crashes };
}

/** It crashed twice, and waits before the next start. */
async function waiting() {
  const all = staged();
  await all.lifecycle.start();
  all.newest().crash();
  await all.pass(0);
  all.newest().crash();
  await all.pass(0);
  expect(all.lifecycle.state.kind).toBe("starting");
  expect(all.lifecycle.run).toBeUndefined();
  return { ...all, begunBefore: all.stage.begun.length };
}

afterEach(() => vi.useRealTimers());

test("a start gives a run that answers, and a second one does nothing", async () => {
  const { stage, lifecycle } = staged();
  await Promise.all([lifecycle.start(), lifecycle.start()]);
  expect(stage.states).toEqual(["starting", "running"]);
  expect(lifecycle.state).toEqual({ kind: "running", version: "1.2.3", simulated: false });
  expect(stage.begun).toHaveLength(1);
});

test("restarts wait for each other, and each ends the run before it", async () => {
  const { stage, lifecycle } = staged();
  await Promise.all([lifecycle.start(), lifecycle.restart(), lifecycle.restart({ simulated: true })]);
  expect(stage.begun.map((run) => run.wasEnded)).toEqual([true, true, false]);
  expect(stage.begun.map((run) => run.isSimulated)).toEqual([false, false, true]);
  await lifecycle.restart();
  expect(lifecycle.state).toEqual({ kind: "running", version: "1.2.3", simulated: true });
});

test("a run that is ended on purpose is not made good", async () => {
  const { stage, lifecycle, pass } = staged();
  await lifecycle.start();
  await lifecycle.stop();
  await pass(HOUR);
  expect(stage.begun).toHaveLength(1);
  expect(stage.states).toEqual(["starting", "running", "stopped"]);
});

test("a run that crashes is made good, until it has crashed too often", async () => {
  const { stage, lifecycle, crashes, pass } = staged();
  await lifecycle.start();
  await crashes(4);
  expect(lifecycle.state.kind).toBe("running");
  await crashes(1);
  expect(lifecycle.state).toEqual({ kind: "crashed", reason: "SIGKILL" });
  await lifecycle.start();
  await pass(HOUR);
  expect(stage.begun).toHaveLength(5);
  await lifecycle.restart();
  expect(lifecycle.state.kind).toBe("running");
});

test("a change that changes nothing leaves the start that is waited for", async () => {
  const { lifecycle, stage, pass, begunBefore } = await waiting();
  await lifecycle.runOther();
  expect(lifecycle.state.kind).toBe("starting");
  expect(stage.begun).toHaveLength(begunBefore);
  await pass(15_000);
  expect(lifecycle.state.kind).toBe("running");
  expect(stage.begun).toHaveLength(begunBefore + 1);
});

test("what runs goes on running when somebody else names the same", async () => {
  const { stage, lifecycle } = staged();
  await lifecycle.start();
  stage.found = { launch: { ...BUNDLED.launch, origin: "ms-python.python" } };
  await lifecycle.runOther();
  expect(stage.begun).toHaveLength(1);
});

test.each(["start", "restart"] as const)(
  "a %s does not wait, and takes the place of the start that is waited for",
  async (how) => {
    const { lifecycle, stage, pass, begunBefore } = await waiting();
    await lifecycle[how]();
    await pass(HOUR);
    expect(lifecycle.state.kind).toBe("running");
    expect(stage.begun).toHaveLength(begunBefore + 1);
  },
);

test("another launch takes the place of the start that is waited for", async () => {
  const { lifecycle, stage, pass, newest, begunBefore } = await waiting();
  stage.found = OTHER;
  await lifecycle.runOther();
  await pass(HOUR);
  expect(newest().command).toBe("/opt/bin/python3");
  expect(stage.begun).toHaveLength(begunBefore + 1);
});

test.each(["stop", "finish"] as const)("after a %s while it waits, nothing is started", async (how) => {
  const { lifecycle, stage, pass, begunBefore } = await waiting();
  await lifecycle[how]();
  await pass(HOUR);
  expect(lifecycle.state.kind).toBe("stopped");
  expect(stage.begun).toHaveLength(begunBefore);
});

test("a start that fails while a stop waits for its turn is not made good", async () => {
  const { stage, lifecycle, pass } = staged();
  let fail: (error: Error) => void = () => undefined;
  stage.handshake = () => new Promise((_, reject) => (fail = reject));
  const starting = lifecycle.start();
  await pass(0);
  const stopping = lifecycle.stop();
  fail(new StartFailed(CRASH));
  await Promise.all([starting, stopping]);
  await pass(HOUR);
  expect(stage.begun).toHaveLength(1);
  expect(lifecycle.state.kind).toBe("stopped");
});

test("a run is current from its start until somebody wants its end, or it ends", async () => {
  const { stage, lifecycle, newest, pass } = staged();
  let go: () => void = () => undefined;
  stage.handshake = () => new Promise((resolve) => (go = resolve));
  const starting = lifecycle.start();
  await pass(0);
  expect(newest().isCurrent()).toBe(true);
  go();
  await starting;
  const first = newest();
  stage.handshake = async () => undefined;
  const restarting = lifecycle.restart();
  await pass(0);
  expect(first.isCurrent()).toBe(false);
  await restarting;
  expect(newest().isCurrent()).toBe(true);
  newest().crash();
  await pass(0);
  expect(stage.begun[1]?.isCurrent()).toBe(false);
});

test("a restart shows that it is starting before the old run has ended", async () => {
  const { stage, lifecycle } = staged();
  await lifecycle.start();
  const restarting = lifecycle.restart();
  await Promise.resolve();
  expect(lifecycle.state.kind).toBe("starting");
  await restarting;
  expect(stage.states).toEqual(["starting", "running", "starting", "running"]);
});

test("want of a Python is not tried again and again, but when it is asked for or another is found", async () => {
  const { stage, lifecycle, pass } = staged();
  stage.found = NO_PYTHON;
  await lifecycle.start();
  expect(lifecycle.state).toEqual({ kind: "noPython", reason: "there is none" });
  await lifecycle.runOther();
  await pass(HOUR);
  expect(stage.states).toEqual(["starting", "noPython"]);
  stage.found = BUNDLED;
  await lifecycle.runOther();
  expect(lifecycle.state.kind).toBe("running");
});

test("another reason for nothing to run is told", async () => {
  const { stage, lifecycle } = staged();
  stage.found = { kind: "wrongCommand", reason: "one" };
  await lifecycle.start();
  stage.found = { kind: "wrongCommand", reason: "two" };
  await lifecycle.runOther();
  expect(lifecycle.state).toEqual({ kind: "wrongCommand", reason: "two" });
});

test("what no other start could mend is not started again", async () => {
  const { stage, lifecycle, pass } = staged();
  stage.handshake = async () => {
    throw new StartFailed({ words: "ENOENT", hopeless: "wrongCommand" });
  };
  await lifecycle.start();
  await pass(HOUR);
  expect(lifecycle.state).toEqual({ kind: "wrongCommand", reason: "ENOENT" });
  expect(stage.begun).toHaveLength(1);
});

test("a fault of our own while it starts is made good like a crash", async () => {
  const { stage, lifecycle, pass } = staged();
  stage.handshake = async () => {
    throw new Error("no keyring");
  };
  await lifecycle.start();
  expect(stage.failures).toEqual(["Error: no keyring"]);
  stage.handshake = async () => undefined;
  await pass(15_000);
  expect(lifecycle.state.kind).toBe("running");
});

test("nothing is started for a change while it is stopped, and nothing at all after the end", async () => {
  const { stage, lifecycle } = staged();
  await lifecycle.runOther();
  await lifecycle.finish();
  await lifecycle.start();
  await lifecycle.restart();
  expect(stage.begun).toHaveLength(0);
});
