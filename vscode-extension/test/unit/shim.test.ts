import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { shimFor } from "../../src/server/shim";

const TELL = "process.stdout.write(JSON.stringify(process.argv.slice(1)))";

test("it runs the server with its own arguments and all that it is given, whatever stands in them", () => {
  const awkward = 'it\'s "$HOME" `date` \\ *';
  const { name, text } = shimFor({ command: process.execPath, args: ["-e", TELL, "--", awkward] }, "linux", "/home/me");
  const folder = mkdtempSync(join(tmpdir(), "shim-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  expect(name).toBe("ai-gateway");
  expect(JSON.parse(execFileSync(path, ["ask", awkward, ""], { encoding: "utf8" }))).toEqual([
    awkward,
    "ask",
    awkward,
    "",
  ]);
});

test("on Windows it names the user's folder by its variable, and means percent signs", () => {
  const launch = { command: "C:\\Users\\Jörg\\py\\python.exe", args: ["-X", "cache=C:\\Users\\Jörg\\50%\\x"] };
  expect(shimFor(launch, "win32", "C:\\Users\\Jörg")).toEqual({
    name: "ai-gateway.cmd",
    text: '@"%USERPROFILE%\\py\\python.exe" "-X" "cache=%USERPROFILE%\\50%%\\x" %*\r\n',
  });
});
