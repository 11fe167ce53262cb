import { tmpdir } from "node:os";
import { afterEach, expect, test } from "vitest";
import { type Launch, ServerProcess } from "../../src/server/process";
import { l10n } from "./support/status";

const written: string[] = [];
const left: number[] = [];

function started(script: string, how: Partial<Launch> = {}): ServerProcess {
  const node = { kind: "bundled", command: process.execPath, args: ["-e", script], cwd: tmpdir(), origin: "" } as const;
  const launch: Launch = { ...node, ...how };
  return ServerProcess.start(launch, {
    l10n,
    write: (level, text) => void written.push(`${level} ${text}`),
    hide: (text) => text.replaceAll("sk-secret", "…"),
  });
}

afterEach(() => {
  written.length = 0;
  for (const pid of left.splice(0)) process.kill(pid, "SIGKILL");
});

test("an end is told with the last complaint and the exit code, without credentials", async () => {
  const { ended } = started('console.error("12:00:00 ERROR it: no sk-secret"); process.exit(3)');
  expect(await ended).toEqual({ words: "it: no … (exit code 3)", hopeless: undefined });
  expect(written).toEqual(["error it: no …"]);
});

test("an end by a signal is told by its name", async () => {
  const { ended } = started('process.kill(process.pid, "SIGKILL")');
  expect(await ended).toMatchObject({ words: "SIGKILL" });
});

test("a bundled server that can't run on this Python is not started again, another program that ends so is", async () => {
  expect(await started("process.exit(78)").ended).toMatchObject({ hopeless: "noPython" });
  expect(await started("process.exit(78)", { kind: "installed" }).ended).toMatchObject({ hopeless: undefined });
});

test.each([
  ["/nowhere/ai-gateway", "there is no such file"],
  ["/etc/passwd", "it is not a program that may be run"],
])("a command that can't be run is told with the reason, and not started again: %s", async (command, reason) => {
  const { ended } = started("", { kind: "installed", command });
  expect(await ended).toEqual({ words: `${command} can't be started: ${reason}`, hopeless: "wrongCommand" });
});

test("one that does not end when it should is ended", async () => {
  const running = started("setInterval(() => {}, 1000)");
  expect(await running.end(50)).toBe(true);
  expect(await running.ended).toMatchObject({ words: "SIGKILL" });
});

test("its end does not wait for whom it started and who keeps its pipes open", async () => {
  const heir =
    'require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" })';
  const running = started(`console.error(${heir}.pid); setInterval(() => {}, 1000)`);
  while (written.length === 0) await new Promise((resolve) => running.child.stderr.once("data", resolve));
  left.push(Number(written[0]?.split(" ").at(-1)));
  running.child.kill("SIGKILL");
  expect(await running.ended).toMatchObject({ words: expect.stringContaining("SIGKILL") });
});
