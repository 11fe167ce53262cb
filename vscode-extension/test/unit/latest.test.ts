import { expect, test } from "vitest";
import { latest } from "../../src/models/latest";

test("what was begun last is told, also if what was begun before is found later", async () => {
  const finding: ((found: string) => void)[] = [];
  const told: string[] = [];
  const tell = latest(
    () => new Promise<string>((resolve) => finding.push(resolve)),
    async (found) => {
      told.push(found);
    },
  );
  const [first, second] = [tell(), tell()];
  finding[1]?.("new");
  await second;
  finding[0]?.("old");
  await first;
  expect(told).toEqual(["new"]);
});
