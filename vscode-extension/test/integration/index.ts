// Runs the tests of this folder inside the extension host; VS Code calls `run` and ends with it.

import { writeFileSync } from "node:fs";
import Mocha from "mocha";

/** The variable that names the file for what became of each test. */
const REPORT = "EXTENSION_TEST_REPORT";

interface Ended {
  readonly title: string;
  readonly failure: string | null;
}

/** Rejects if a test failed, so that the editor's exit code tells of it. */
export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: "bdd", timeout: 30_000, reporter: "spec", color: false });
  mocha.suite.emit("pre-require", globalThis as Mocha.MochaGlobals, "", mocha);
  await import("./launch.test.js");
  await import("./contributions.test.js");
  await import("./models.test.js");
  await import("./commands.test.js");

  const ended: Ended[] = [];
  const failures = await new Promise<number>((resolve) => {
    const runner = mocha.run(resolve);
    runner.on("pass", (test) => ended.push({ title: test.fullTitle(), failure: null }));
    runner.on("fail", (test, error: unknown) => ended.push({ title: test.fullTitle(), failure: described(error) }));
  });
  const report = process.env[REPORT];
  if (report !== undefined) writeFileSync(report, JSON.stringify(ended));
  if (failures > 0) throw new Error(`${failures} of ${ended.length} tests failed`);
}

function described(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
