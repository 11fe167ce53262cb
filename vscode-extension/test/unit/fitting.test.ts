import { describe, expect, it } from "vitest";
import { fitted, placeOf } from "../../src/ask/fitting";

describe("code that takes the place of other code", () => {
  it("is indented as that was, and ends as that did", () => {
    expect(fitted("def f():\n    pass\n", "    def f():\n        return 1")).toBe("    def f():\n        pass");
  });

  it("stays as it is where it is indented already", () => {
    expect(fitted("    a\n      b", "    x\n    y\n")).toBe("    a\n      b\n");
  });

  it("loses an indentation that the other had not", () => {
    expect(fitted("\ta\n\t\tb", "x")).toBe("a\n\tb");
  });

  it("leaves empty lines empty", () => {
    expect(fitted("a\n\nb", "  x")).toBe("  a\n\n  b");
  });

  it("keeps the least indentation of a region whose first line is not its outermost", () => {
    expect(fitted("a\nb", "    x\n  y")).toBe("  a\n  b");
  });
});

describe("the place of code that was asked about", () => {
  it("is where it was, if it still says the same there", () => {
    expect(placeOf("b", "b a b", 4)).toBe(4);
  });

  it("is where it moved to", () => {
    expect(placeOf("total()", "# new line\ntotal()\n", 0)).toBe(11);
  });

  it("is unknown once the code was changed", () => {
    expect(placeOf("total()", "totals()\n", 0)).toBeUndefined();
  });

  it("is unknown if it could be in two places", () => {
    expect(placeOf("pass", "x\npass\npass\n", 0)).toBeUndefined();
  });

  it("is unknown for blanks that moved", () => {
    expect(placeOf("\n", "a\n", 0)).toBeUndefined();
  });
});
