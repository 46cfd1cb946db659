import { RetryAfterError } from "@tuppence/core";
import { describe, expect, it } from "vitest";
import { ScheduleStateError } from "../src/errors.ts";
import { SCHEDULER_GUARDS, type SchedulerGuards } from "../src/guards.ts";
import type { ScheduleStorage } from "../src/storage/schedule-storage.ts";
import { HookedStorage } from "./hooked-storage.ts";
import { all, StoppedClock } from "./stopped-clock.ts";

/** The moments at which each guard is needed, one by one, and that it is. */

const MINUTE = 60_000;

interface Place {
  readonly clock: StoppedClock;
  readonly hooked: HookedStorage;
  /** Another process on the same schedules, at the same time. */
  readonly other: StoppedClock;
}

function place(off: keyof SchedulerGuards | undefined, now = Date.UTC(2026, 0, 5, 12)): Place {
  const hooked = new HookedStorage();
  const means = off === undefined ? {} : { guards: { ...SCHEDULER_GUARDS, [off]: false } };
  const { storage } = hooked;
  const clock = new StoppedClock({ storage, now, shards: 1 }, means);
  return { clock, hooked, other: new StoppedClock({ storage, now, shards: 1 }, means) };
}

/** With the guard the race ends well, without it as it is said. */
function describeRace(
  guard: keyof SchedulerGuards,
  title: string,
  race: (place: Place) => Promise<unknown>,
  outcomes: { readonly guarded: unknown; readonly unguarded: unknown },
): void {
  it(`${title}: with ${guard}`, async () => expect(await race(place(undefined))).toEqual(outcomes.guarded));
  it(`${title}: not without ${guard}`, async () =>
    expect(await race(place(guard))).toEqual(outcomes.unguarded));
}

describe("an entry that is put while its minute closes", () => {
  describeRace(
    "queriesOnceMore",
    "is fired, if it was put before it was said",
    async ({ clock, hooked, other }) => {
      await clock.scheduler.schedule({ in: 0, target: "call" });
      await clock.pass(0);
      // The other's clock is slow: the entry goes into the minute that is over.
      hooked.before(
        (partition, { st }) => partition === "OPEN|0" && st === "closing",
        () => other.scheduler.schedule({ in: 0, target: "call" }),
      );
      await clock.pass(7 * MINUTE);
      await clock.pass(MINUTE);
      return clock.fired.length;
    },
    { guarded: 2, unguarded: 1 },
  );

  describeRace(
    "looksBack",
    "is fired, if it was put after it was closed",
    async ({ clock, other }) => {
      // What the other remembers of the minute is out of date.
      await other.scheduler.schedule({ in: 0, target: "call" });
      await clock.pass(7 * MINUTE);
      await other.scheduler.schedule({ in: 0, target: "call" });
      await clock.pass(MINUTE);
      return clock.fired.length;
    },
    { guarded: 2, unguarded: 1 },
  );

  describeRace(
    "putsSecondBell",
    "has a doorbell that rings for it",
    async ({ clock, hooked, other }) => {
      await other.scheduler.schedule({ in: 0, target: "call" });
      const partition = `BELL|0|${String(Math.floor(other.now / MINUTE)).padStart(10, "0")}`;
      await hooked.storage.delete({ partition, sort: "bell" });
      await clock.pass(0);
      await other.scheduler.schedule({ in: 0, target: "call" });
      return (await hooked.storage.find({ partition, sort: "bell" })) !== undefined;
    },
    { guarded: true, unguarded: false },
  );
});

describe("a claim", () => {
  describeRace(
    "claimsOnCondition",
    "is refused to whoever comes second",
    async ({ clock, hooked, other }) => {
      await clock.scheduler.schedule({ in: 0, target: "call" });
      hooked.before(
        (partition, { st }) => partition.startsWith("DUE") && st === "claimed",
        () => other.pass(0),
      );
      await clock.pass(0);
      return clock.fired.length + other.fired.length;
    },
    { guarded: 1, unguarded: 2 },
  );

  it("of one that died is made by another when it is over", async () => {
    const { clock, other } = place(undefined);
    await clock.scheduler.schedule({ in: 0, target: "call" });
    clock.onCall = () => new Promise(() => undefined);
    void clock.pass(0);
    await other.pass(10_000);
    expect(other.fired).toEqual([]);
    await other.pass(MINUTE);
    expect(other.fired).toMatchObject([{ attempt: 2 }]);
  });
});

describe("a cancellation", () => {
  describeRace(
    "cancelsOnCondition",
    "is too late for what fires at the same moment",
    async ({ clock, hooked, other }) => {
      const { id } = await clock.scheduler.schedule({ in: 0, target: "write" });
      hooked.before(
        (partition, { st }) => partition.startsWith("DUE") && st === "cancelled",
        () => other.pass(0),
      );
      return [await clock.scheduler.cancel(id), other.fired.length];
    },
    { guarded: ["alreadyFired", 1], unguarded: ["cancelled", 1] },
  );
});

describe("a cancellation of runs beside each other", () => {
  const failing = async (clock: StoppedClock): Promise<void> => {
    await clock.scheduler.schedule({ name: "a", every: "2m", target: "call", overlap: "allow" });
    clock.onCall = ({ attempt }) => {
      if (attempt === 1) throw new RetryAfterError("not now", { retryAfterMs: 10 * MINUTE });
    };
    for (let run = 0; run < 3; run++) await clock.pass(2 * MINUTE);
  };

  describeRace(
    "cancelsRuns",
    "takes from those that failed their next attempts",
    async ({ clock }) => {
      await failing(clock);
      const told = await clock.scheduler.cancel("a");
      await clock.pass(60 * MINUTE);
      return [told, clock.fired.length];
    },
    { guarded: ["cancelled", 0], unguarded: ["cancelled", 3] },
  );

  describeRace(
    "cancelsRuns",
    "tells of an attempt that is under way, until it is over",
    async ({ clock, other }) => {
      await clock.scheduler.schedule({ name: "a", every: "5s", target: "call", overlap: "allow" });
      const told: string[] = [];
      clock.onCall = async () => {
        clock.onCall = () => undefined;
        for (let run = 0; run < 4; run++) await other.pass(5_000);
        told.push(await other.scheduler.cancel("a"));
      };
      other.now = clock.now + 5_000;
      await clock.pass(5_000);
      return [...told, await clock.scheduler.cancel("a")];
    },
    { guarded: ["firing", "cancelled"], unguarded: ["cancelled", "cancelled"] },
  );
});

describe("a series", () => {
  it("that is cancelled between the looks of who moves it stays cancelled", async () => {
    const { hooked, other } = place(undefined);
    await other.scheduler.schedule({ name: "a", every: "2m", target: "call" });
    let isFirst = true;
    const find: ScheduleStorage["find"] = async (key) => {
      const item = await hooked.storage.find(key);
      if (isFirst && key.partition.startsWith("NAME")) {
        isFirst = false;
        await other.scheduler.cancel("a");
      }
      return item;
    };
    const storage = { ...hooked.storage, find };
    const { scheduler } = new StoppedClock({ storage, now: other.now, shards: 1 });
    await expect(scheduler.reschedule("a", { every: "3m" })).rejects.toThrow(ScheduleStateError);
    await other.pass(10 * MINUTE);
    expect(other.fired).toEqual([]);
  });

  describeRace(
    "goesForward",
    "does not fire twice for one time when it is resumed by a clock that is slow",
    async ({ clock, other }) => {
      await clock.scheduler.schedule({ name: "a", cron: "*/2 * * * *", target: "call" });
      await clock.pass(2 * MINUTE);
      await clock.scheduler.pause("a");
      // It is still to come by the other's clock.
      await other.scheduler.resume("a");
      await clock.pass(0);
      return clock.times;
    },
    { guarded: ["12:02:00"], unguarded: ["12:02:00", "12:02:00"] },
  );

  describeRace(
    "goesForward",
    "does not fire twice for one time when it is replaced while it fires",
    async ({ clock, other }) => {
      const series = { name: "a", cron: "*/2 * * * *", target: "call" } as const;
      await clock.scheduler.schedule(series);
      clock.onCall = async () => {
        clock.onCall = () => undefined;
        await other.scheduler.schedule({ ...series, payload: "another", replace: true });
      };
      await clock.pass(2 * MINUTE);
      await clock.pass(2 * MINUTE);
      return clock.times;
    },
    { guarded: ["12:02:00", "12:04:00"], unguarded: ["12:02:00", "12:02:00", "12:04:00"] },
  );
});

describe("a move", () => {
  it("of a series that goes on at the same moment leaves one chain of occurrences", async () => {
    const { clock, hooked, other } = place(undefined);
    await clock.scheduler.schedule({ name: "a", every: "2m", target: "call" });
    clock.now += 2 * MINUTE;
    other.now = clock.now;
    // Seen while its occurrence is fired; by the time that it is moved, there is the next one.
    clock.onCall = async () => {
      clock.onCall = () => undefined;
      hooked.before(
        (partition, { g }) => partition.startsWith("NAME") && g === 2,
        () => other.pass(2 * MINUTE),
      );
      await clock.scheduler.reschedule("a", { every: "1h" });
    };
    await clock.pass(0);
    const left = await all(clock.scheduler.list());
    expect(left).toMatchObject([{ name: "a", state: "pending", spec: { everyMs: 60 * MINUTE } }]);
  });
});

describe("a doorbell", () => {
  describeRace(
    "trustsBell",
    "proves to a clock that is slow that its minute is over",
    async ({ clock, other }) => {
      await clock.scheduler.schedule({ in: "30s", target: "call" });
      await other.ringAt(clock.now + MINUTE);
      return other.fired.length;
    },
    { guarded: 1, unguarded: 0 },
  );
});

describe("whoever dies right after an occurrence was put that follows another", () => {
  const dies = (): never => {
    throw new Error("dead");
  };

  describeRace(
    "handsOver",
    "leaves it to others to look after a series",
    async ({ clock, hooked, other }) => {
      await clock.scheduler.schedule({ name: "a", every: "2m", target: "call", misfire: "fireAll" });
      clock.now += 20 * MINUTE;
      other.now = clock.now;
      // Before the next occurrence is put, its minute, which is over as well, is closed; and then there is nobody.
      hooked.before(
        (partition, { x }) => partition.startsWith("NAME") && x !== undefined,
        async () => {
          await other.closeEmpty();
          hooked.after(
            (partition, { x }) => partition.startsWith("NAME") && x !== undefined,
            async () => dies(),
          );
        },
      );
      const death = await clock.pass(0).catch((error: unknown) => String(error));
      await other.pass(MINUTE);
      await other.pass(MINUTE);
      const { state, fireAt } = (await other.scheduler.get("a")) ?? {};
      return [death, state === "pending" && Number(fireAt) > other.now];
    },
    { guarded: ["Error: dead", true], unguarded: ["Error: dead", false] },
  );
});
