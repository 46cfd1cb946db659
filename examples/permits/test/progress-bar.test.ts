import { describe, expect, it } from "vitest";
import { createProgressBar, type Progress, type ProgressBar } from "../src/progress-bar.ts";

function written(isTTY: boolean, progress: Partial<Progress>, use: (bar: ProgressBar) => void): string {
  let text = "";
  const output = {
    isTTY,
    write(part: string): void {
      text += part;
    },
  };
  use(createProgressBar(output, { what: "added", total: 1_000, ...progress }));
  return text;
}

/** Each number, one after the other. */
function count(bar: ProgressBar, from: number, to: number): void {
  for (let done = from; done <= to; done += 1) bar.update(done);
}

const whole = (bar: ProgressBar): void => {
  count(bar, 1, 1_000);
  bar.leave();
};

/** Lines without the speed, which has to be there. */
function linesOf(text: string): string[] {
  const lines = text.trimEnd().split("\n");
  for (const line of lines) expect(line).toMatch(/ {2}[\d,]+ events\/s$/);
  return lines.map((line) => line.slice(line.lastIndexOf("\r") + 1).replace(/ {2}[\d,]+ events\/s$/, ""));
}

describe("the progress bar", () => {
  it("is a few plain lines where there is no terminal", () => {
    expect(linesOf(written(false, {}, whole))).toEqual([
      "200 of 1,000 events added",
      "400 of 1,000 events added",
      "600 of 1,000 events added",
      "800 of 1,000 events added",
      "1,000 of 1,000 events added",
    ]);
  });

  it("has a line for each event when there are few", () => {
    const text = written(false, { total: 3 }, (bar) => count(bar, 1, 3));
    expect(linesOf(text)).toHaveLength(3);
  });

  it("begins where an earlier run ended", () => {
    const text = written(false, { from: 700 }, (bar) => count(bar, 701, 1_000));
    expect(linesOf(text)).toEqual(["800 of 1,000 events added", "1,000 of 1,000 events added"]);
  });

  it("shows where it was left, and goes on", () => {
    const text = written(false, {}, (bar) => {
      count(bar, 1, 500);
      bar.leave();
      bar.leave();
      count(bar, 501, 900);
    });
    expect(linesOf(text).map((line) => line.split(" ")[0])).toEqual(["200", "400", "500", "600", "800"]);
  });

  it("shows what it came to where the total grows", () => {
    const text = written(false, { what: "rebuilt", total: 1 }, (bar) => {
      bar.update(0, 1_000);
      bar.update(1_000, 1_010);
      bar.update(1_011, 1_020);
      bar.leave();
    });
    expect(linesOf(text)).toEqual(["1,000 of 1,010 events rebuilt", "1,011 of 1,020 events rebuilt"]);
  });

  it("is drawn on one line in a terminal, and ends full", () => {
    const text = written(true, {}, whole);
    expect(text.match(/\n/g)).toHaveLength(1);
    expect(text.endsWith("\n")).toBe(true);
    const last = text.slice(text.lastIndexOf("\r") + 1);
    expect(last).toMatch(/^█{32} {2}1,000 of 1,000 events added {2}/);
  });

  it("leaves its line in a terminal, and begins another", () => {
    const text = written(true, {}, (bar) => {
      count(bar, 1, 500);
      bar.leave();
      count(bar, 501, 1_000);
      bar.leave();
    });
    const lines = text.split("\n").map((line) => line.slice(line.lastIndexOf("\r") + 1));
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^█{16}░{16} {2}500 of 1,000 /);
    expect(lines[1]).toMatch(/^█{32} {2}1,000 of 1,000 /);
    expect(lines[2]).toBe("");
  });
});
