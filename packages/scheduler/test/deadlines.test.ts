import { describe, expect, it } from "vitest";
import { Deadlines } from "../src/firing/deadlines.ts";
import { virtualTime } from "./virtual-time.ts";

describe("deadlines", () => {
  it("are told of in their time, with one sleep for all of them", async () => {
    const { runtime, pass, sleeps } = virtualTime();
    const deadlines = new Deadlines(runtime);
    const late: string[] = [];
    deadlines.set(50, () => late.push("second"));
    deadlines.set(20, () => late.push("first"));
    deadlines.set(90, () => late.push("third"));
    await pass(19);
    expect([late, sleeps()]).toEqual([[], 1]);
    await pass(1);
    expect([late, sleeps()]).toEqual([["first"], 1]);
    await pass(70);
    expect([late, sleeps()]).toEqual([["first", "second", "third"], 0]);
  });

  it("that were met are not, and leave no sleep behind", async () => {
    const { runtime, pass, sleeps } = virtualTime();
    const deadlines = new Deadlines(runtime);
    const late: string[] = [];
    const met = deadlines.set(20, () => late.push("met"));
    const alsoMet = deadlines.set(30, () => late.push("also met"));
    met();
    await pass(25);
    expect(sleeps()).toBe(1);
    alsoMet();
    await pass(5);
    expect([late, sleeps()]).toEqual([[], 0]);
    deadlines.set(10, () => late.push("another"));
    await pass(10);
    expect(late).toEqual(["another"]);
  });
});
