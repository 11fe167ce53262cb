import { readFileSync } from "node:fs";
import { delimiter } from "node:path";
import { expect, test } from "vitest";
import {
  type Candidate,
  choosePython,
  pythonsOnPath,
  readVerdict,
  type Verdict,
  wordsForRefused,
} from "../../src/server/pythonChoice";
import { l10n } from "./support/status";

const LAUNCHER = readFileSync("server/launch.py", "utf8");

const OLD: Verdict = { isFit: false, reason: "Python 3.9: 3.11 or newer is needed" };

function candidate(path: string): Candidate {
  return { path, args: [], origin: "test" };
}

function good(path: string): Verdict {
  return { isFit: true, executable: `/real${path}`, version: "3.12.1" };
}

test("the first that can run the server is taken, where it really is, and the rest is not asked", async () => {
  const asked: string[] = [];
  const { python, refused } = await choosePython(["/old", "/good", "/other"].map(candidate), async ({ path }) => {
    asked.push(path);
    return path === "/old" ? OLD : good(path);
  });
  expect(python?.executable).toBe("/real/good");
  expect(refused.map((one) => one.reason)).toEqual([OLD.reason]);
  expect(asked).toEqual(["/old", "/good"]);
});

test("where none can, each says why, and none is asked twice", async () => {
  const { python, refused } = await choosePython(["/old", "/old"].map(candidate), async () => OLD);
  expect(python).toBeUndefined();
  expect(wordsForRefused(refused)).toBe("/old: Python 3.9: 3.11 or newer is needed");
});

function found(
  path: string[],
  files: string[],
  given: { untrusted?: string[]; isWindows?: boolean } = {},
): Candidate[] {
  const { untrusted = [], isWindows = false } = given;
  const exists = (file: string) => files.includes(file);
  return [...pythonsOnPath({ path: path.join(delimiter), isWindows, untrusted, exists })];
}

test("what people call Python comes before what is named by its version", () => {
  const files = ["/usr/bin/python3.12", "/usr/bin/python3", "/opt/bin/python3", "/usr/bin/python"];
  expect(found(["/usr/bin", "/opt/bin"], files).map(({ path }) => path)).toEqual([
    "/usr/bin/python3",
    "/opt/bin/python3",
    "/usr/bin/python",
    "/usr/bin/python3.12",
  ]);
});

test("no workspace and no current folder says what is run", () => {
  const files = ["/projects/shop/bin/python3", "/projects/shop/python3", "bin/python3", "python3", "/usr/bin/python3"];
  const path = ["/projects/shop/bin", "/projects/shop", "", "bin", ".", "/usr/bin"];
  expect(found(path, files, { untrusted: ["/projects/shop"] }).map((one) => one.path)).toEqual(["/usr/bin/python3"]);
  expect(found(["/projects/shop2"], ["/projects/shop2/python3"], { untrusted: ["/projects/shop"] })).toHaveLength(1);
});

test("Windows' launcher is asked for Python 3", () => {
  const [launcher] = found(["/windows"], ["/windows/py.exe"], { isWindows: true });
  expect(launcher?.args).toEqual(["-3"]);
});

test("what the launcher says is understood, and what says nothing is no Python", () => {
  expect(readVerdict('{"executable": "/usr/bin/python3.12", "version": "3.12.1"}', "", l10n)).toEqual({
    isFit: true,
    executable: "/usr/bin/python3.12",
    version: "3.12.1",
  });
  expect(readVerdict('{"version": "3.9", "reason": "old", "values": ["3.11"]}', "", l10n)).toEqual(OLD);
  expect(readVerdict("Python was not found", "", l10n)).toEqual({ isFit: false, reason: "it does not answer" });
  expect(readVerdict("", "Traceback\nImportError: pathlib\n", l10n)).toEqual({
    isFit: false,
    reason: "ImportError: pathlib",
  });
});

test.each(["null", "42", "[]", "{}", '{"version": "3", "reason": "old"}', '{"executable": 1, "version": "3"}'])(
  "a program that prints %s is no Python",
  (said) => expect(readVerdict(said, "", l10n)).toEqual({ isFit: false, reason: "it does not answer" }),
);

test("every reason of the launcher has words of the editor's language", () => {
  const reasons = [...LAUNCHER.matchAll(/^ {4}"(\w+)": "(.*)",$/gm)];
  expect(reasons.length).toBeGreaterThan(3);
  for (const [, reason, words] of reasons) {
    const said = JSON.stringify({ version: "3.13.0", reason, values: ["A", "B"] });
    const expected = words?.replace("{0}", "A").replace("{1}", "B");
    expect(readVerdict(said, "", l10n)).toEqual({ isFit: false, reason: `Python 3.13.0: ${expected}` });
  }
});
