import { describe, expect, it } from "vitest";
import { StoppedClock } from "./stopped-clock.ts";

const MINUTE = 60_000;

describe("fireDue", () => {
  it("fires what is due by the clock, and what follows it, and tells how much that was", async () => {
    const clock = new StoppedClock({ shards: 2 });
    for (let index = 0; index < 5; index++) await clock.scheduler.schedule({ in: "1m", target: "call" });
    await clock.scheduler.schedule({ name: "a", every: "20s", target: "call", misfire: "fireAll" });
    expect(await clock.scheduler.fireDue()).toBe(0);
    clock.now += MINUTE;
    expect(await clock.scheduler.fireDue()).toBe(5 + 3);
    expect(await clock.scheduler.fireDue()).toBe(0);
    expect(clock.fired).toHaveLength(8);
  });

  it("may be called beside others who fire: each occurrence is fired once", async () => {
    const clock = new StoppedClock({ shards: 2 });
    for (let index = 0; index < 20; index++) await clock.scheduler.schedule({ in: 0, target: "call" });
    const counts = await Promise.all([clock.scheduler.fireDue(), clock.scheduler.fireDue(), clock.pass(0)]);
    expect(clock.fired).toHaveLength(20);
    expect(counts[0] + counts[1]).toBeLessThanOrEqual(20);
  });

  it("leaves to others what is under way when it is given up", async () => {
    const clock = new StoppedClock();
    const giveUp = new AbortController();
    await clock.scheduler.schedule({ in: 0, target: "call" });
    clock.onCall = () => {
      giveUp.abort(new Error("enough"));
      return new Promise(() => undefined);
    };
    await expect(clock.scheduler.fireDue({ signal: giveUp.signal })).rejects.toThrow("enough");
    clock.onCall = () => undefined;
    expect(await clock.scheduler.fireDue()).toBe(0);
    clock.now += MINUTE;
    expect(await clock.scheduler.fireDue()).toBe(1);
    expect(clock.fired).toMatchObject([{ attempt: 2 }]);
  });
});
