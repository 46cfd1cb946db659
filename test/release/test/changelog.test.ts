import { describe, expect, it } from "vitest";
import { notesOf, releaseChangelog } from "../src/changelog.ts";

const before = "# Changelog\n\n## Unreleased\n\nAn event store.\n\n- It appends.\n";

describe("the changelog of a release", () => {
  it("tells what was written, then what the changesets say", () => {
    const summaries = ["", "It reads.\nBackward, too.", "It waits."];
    const after = releaseChangelog(before, { version: "0.1.0", date: "2026-12-24", summaries });
    expect(after).toBe(
      "# Changelog\n\n## Unreleased\n\n## 0.1.0 (2026-12-24)\n\nAn event store.\n\n- It appends.\n" +
        "- It reads.\n  Backward, too.\n- It waits.\n",
    );
    expect(notesOf(after, "0.1.0")).toMatch(/^An event store\.[^]*- It waits\.$/);
  });

  it("goes above the releases before", () => {
    const first = releaseChangelog(before, { version: "0.1.0", date: "2026-12-24", summaries: [] });
    const second = releaseChangelog(first, { version: "0.1.1", date: "2027-01-06", summaries: ["A fix."] });
    expect(second).toBe(
      first.replace("## Unreleased\n", "## Unreleased\n\n## 0.1.1 (2027-01-06)\n\n- A fix.\n"),
    );
    expect([notesOf(second, "0.1.1"), notesOf(second, "0.1")]).toEqual(["- A fix.", undefined]);
    expect(notesOf(second, "0.1.0")).toBe("An event store.\n\n- It appends.");
  });

  it("refuses a release with nothing to tell", () => {
    const release = { version: "0.1.0", date: "2026-12-24", summaries: [""] };
    expect(() => releaseChangelog("## Unreleased\n", release)).toThrow("nothing to tell of 0.1.0");
    expect(() => releaseChangelog("# Changelog\n", release)).toThrow("has no line ## Unreleased");
  });
});
