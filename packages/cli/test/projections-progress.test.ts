import { Writable } from "node:stream";
import type { BuildStatus, ProjectionStatus } from "@tuppence/projections";
import { describe, expect, it } from "vitest";
import { ProgressLines, progressLine } from "../src/projections-progress.ts";
import { formatDuration } from "../src/shell/duration.ts";
import { createOutput } from "../src/shell/output.ts";
import { progressBar } from "../src/shell/progress-bar.ts";
import { Speedometer } from "../src/shell/speedometer.ts";

function buildAt(number: number, position: number, states: readonly string[] = ["running"]): BuildStatus {
  const slots = states.map((state, slot) => ({ slot, state }) as BuildStatus["slots"][number]);
  const lagEvents = 1_000 - position;
  const facts = { number, version: 1, lagMs: 0, parked: 0 };
  return { ...facts, position, progress: position / 1_000, lagEvents, slots };
}

it("bars are full at 1, and only then", () => {
  const bars = [-1, 0, 0.5, 0.999, 1, 2].map((progress) => progressBar(progress, 4));
  expect(bars).toEqual(["[----]", "[----]", "[##--]", "[###-]", "[####]", "[####]"]);
});

it("durations are in the unit of which there are two or more", () => {
  const seconds = [0, 0.4, 1, 119, 120, 7_199, 7_200, 172_799, 172_800, 864_000];
  expect(seconds.map((each) => formatDuration(each * 1_000))).toEqual([
    "0 s",
    "0 s",
    "1 s",
    "119 s",
    "2 min",
    "120 min",
    "2 h",
    "48 h",
    "2 d",
    "10 d",
  ]);
});

describe("a speedometer", () => {
  it("needs two looks, and forgets older ones", () => {
    const speed = new Speedometer();
    expect(speed.rate).toBeUndefined();
    speed.look(1_000_000, 0);
    expect(speed.rate).toBeUndefined();
    for (let second = 1; second <= 20; second++) speed.look(1_000_000 + second * 5, second * 1_000);
    expect(speed.rate).toBe(5);
  });

  it("begins anew when what it looks at does", () => {
    const speed = new Speedometer();
    speed.look(500, 0);
    speed.look(0, 1_000);
    expect(speed.rate).toBeUndefined();
    speed.look(30, 2_000);
    expect(speed.rate).toBe(30);
  });
});

describe("the progress of a build", () => {
  it("is a line within 80 columns", () => {
    const line = progressLine("permits 2", buildAt(2, 420), { logEnd: 1_000, rate: 20 });
    expect(line).toBe("permits 2 [########------------] 42%  420 of 1000  20/s  29 s left");
  });

  it("tells no time where there is none, and what is in its way", () => {
    const still = { logEnd: 1_000, rate: 0 };
    expect(progressLine("p 1", buildAt(1, 100), still)).toMatch(/10% {2}100 of 1000 {2}0\/s$/);
    expect(progressLine("p 1", buildAt(1, 1_000), { logEnd: 1_000, rate: 5 })).toMatch(/100% .* {2}5\/s$/);
    const states = ["halted", "waiting", "waiting", "running"];
    const line = progressLine(
      "p 1",
      { ...buildAt(1, 0, states), parked: 3 },
      { logEnd: 1_000, rate: undefined },
    );
    expect(line).toMatch(/0 of 1000 {2}1 halted {2}2 waiting {2}3 parked$/);
    expect(progressLine("p 1", buildAt(1, 0, ["paused"]), still)).toMatch(/ {2}paused$/);
  });

  it("has a line for each build, with a speed of its own", () => {
    const lines = new ProgressLines();
    const projection = (live: number, next: number): ProjectionStatus => ({
      name: "p",
      kind: "document",
      paused: false,
      logEnd: 1_000,
      live: buildAt(1, live),
      next: buildAt(2, next),
      nextRate: undefined,
    });
    lines.after([projection(1_000, 0)], 0);
    expect(lines.after([projection(1_000, 100)], 1_000)).toEqual([
      "p 1 [####################] 100%  1000 of 1000  0/s",
      "p 2 [##------------------] 10%  100 of 1000  100/s  9 s left",
    ]);
  });
});

it("lines of progress are drawn over those before them", () => {
  let printed = "";
  const stderr = Object.assign(new Writable(), {
    isTTY: true,
    rows: 2,
    write: (text: string) => (printed += text),
  }) as unknown as NodeJS.WriteStream;
  const stdout = new Writable() as unknown as NodeJS.WriteStream;
  const output = createOutput({ stdout, stderr, env: {}, json: false, signal: new AbortController().signal });
  expect(output.showsProgress).toBe(true);
  output.showProgress("a", "b", "no room");
  output.showProgress("c");
  output.showProgress();
  expect(printed).toBe("\ra\u001b[K\nb\u001b[K\r\u001b[1Ac\u001b[K\u001b[J\r\u001b[K");
});
