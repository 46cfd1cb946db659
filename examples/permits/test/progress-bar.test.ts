import { describe, expect, it } from "vitest";
import { createProgressBar } from "../src/progress-bar.ts";

function written(isTTY: boolean, total: number): string {
  let text = "";
  const output = {
    isTTY,
    write(part: string): void {
      text += part;
    },
  };
  const progressBar = createProgressBar(output, total);
  for (let done = 1; done <= total; done += 1) progressBar.update(done);
  return text;
}

describe("the progress bar", () => {
  it("is a few plain lines where there is no terminal", () => {
    const lines = written(false, 1_000).trimEnd().split("\n");
    expect(lines.map((line) => line.split(" events ")[0])).toEqual([
      "200 of 1,000",
      "400 of 1,000",
      "600 of 1,000",
      "800 of 1,000",
      "1,000 of 1,000",
    ]);
    for (const line of lines) expect(line).toMatch(/^[\d,]+ of 1,000 events {2}[\d,]+ events\/s$/);
  });

  it("has a line for each event when there are few", () => {
    expect(written(false, 3).trimEnd().split("\n")).toHaveLength(3);
  });

  it("is drawn on one line in a terminal, and ends full", () => {
    const text = written(true, 1_000);
    expect(text.match(/\n/g)).toHaveLength(1);
    expect(text.endsWith("\n")).toBe(true);
    const last = text.slice(text.lastIndexOf("\r") + 1);
    expect(last).toMatch(/^█{32} {2}1,000 of 1,000 events {2}/);
  });
});
