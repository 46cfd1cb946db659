import { describe, expect, it, vi } from "vitest";
import { UncertainWriteError } from "../src/chain/storage.ts";
import {
  type ControlStorage,
  createLeaseGroup,
  createMemoryControlStorage,
  type Lease,
  type LeaseEvent,
  type LeaseGroup,
  type LeaseGroupOptions,
  LeaseLostError,
} from "../src/leases/index.ts";
import { ManualTime } from "./manual-time.ts";

/** What a member does in time that stands still unless a test lets it go on; the model has everything else. */

const DURATION_MS = 9_000;

interface Member {
  readonly group: LeaseGroup;
  readonly events: LeaseEvent[];
  /** The leases that it has been given, in order. */
  readonly given: Lease[];
}

function join(
  options: Partial<LeaseGroupOptions> & { readonly storage: ControlStorage; readonly time: ManualTime },
  run: (lease: Lease) => Promise<void> = untilReleased,
  resources: () => readonly string[] = () => ["r"],
): Member {
  const events: LeaseEvent[] = [];
  const given: Lease[] = [];
  const group = createLeaseGroup({
    group: "g",
    leaseDurationMs: DURATION_MS,
    runtime: options.time.runtime,
    onEvent: (event) => events.push(event),
    ...options,
  });
  group.start({
    resources,
    run: (lease) => {
      given.push(lease);
      return run(lease);
    },
  });
  return { group, events, given };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });
}

/** Other processes have the machine, too: 1 s, which is the default, is a short time. */
const waitFor = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 30_000 });

const untilReleased = (lease: Lease): Promise<void> =>
  Promise.race([aborted(lease.release), aborted(lease.lost)]);

function firstLease({ given }: Member): Promise<Lease> {
  return waitFor(() => {
    const [lease] = given;
    if (lease === undefined) throw new Error("There is no lease yet.");
    return lease;
  });
}

/** The beat of the one member that is alive. */
async function beatOf(storage: ControlStorage): Promise<number> {
  const members = await storage.list("MEMBER|g", { consistency: "strong" });
  const alive = [...members].find(([name]) => name !== "gone");
  return Number(alive?.[1]["beat"] ?? 0);
}

const types = (events: readonly LeaseEvent[]): string[] => events.map(({ type }) => type);

describe("a lease", () => {
  it("starts without a position, and keeps what is committed for the next owner", async () => {
    const storage = createMemoryControlStorage();
    const time = new ManualTime();
    const one = join({ storage, time, workerId: "one" });
    const lease = await firstLease(one);
    expect(lease).toMatchObject({ resource: "r", epoch: 1, position: undefined });
    await lease.commit("10");
    await lease.commit("20");
    expect(lease.position).toBe("20");
    expect(await one.group.list()).toEqual([
      { resource: "r", owner: expect.stringMatching(/^one\/[0-9a-f]{8}$/), epoch: 1, position: "20" },
    ]);
    await one.group.stop();
    expect(lease.lost.aborted).toBe(true);
    await expect(lease.commit("30")).rejects.toMatchObject({ code: "leaseLost", mayBeWritten: false });
    expect(() => lease.fence("30")).toThrow(LeaseLostError);
    expect(await one.group.list()).toEqual([{ resource: "r", owner: undefined, epoch: 1, position: "20" }]);
    const two = join({ storage, time });
    expect(await firstLease(two)).toMatchObject({ epoch: 2, position: "20" });
    await two.group.stop();
    expect(types(two.events)).toEqual(["acquired", "released"]);
  });

  it("that is finished goes by itself a week later, unless there is more to do after all", async () => {
    const storage = createMemoryControlStorage();
    const time = new ManualTime();
    const one = join({ storage, time, runtime: { ...time.runtime, now: () => 5_000 } });
    const lease = await firstLease(one);
    const key = { partition: "LEASE|g", sort: "r" };
    await lease.finish("end");
    expect(await storage.find(key)).toMatchObject({ position: "end", ttl: 5 + 604_800 });
    await lease.commit("more");
    expect(await storage.find(key)).not.toHaveProperty("ttl");
    await one.group.stop();
  });

  it("is not believed in once its time is over, whoever was asleep", async () => {
    const storage = createMemoryControlStorage();
    const time = new ManualTime();
    let isCut = false;
    let lost = 0;
    const cut: ControlStorage = {
      ...storage,
      update: (update, signal) => {
        if (!isCut) return storage.update(update, signal);
        lost += 1;
        return new Promise(() => undefined);
      },
    };
    const member = join({ storage: cut, time });
    const lease = await firstLease(member);
    isCut = true;
    const commit = lease.commit("1");
    await waitFor(() => expect(lost).toBe(1));
    time.advance(DURATION_MS);
    expect(lease.lost.aborted).toBe(true);
    // It was sent, and nobody knows what became of it.
    await expect(commit).rejects.toMatchObject({ code: "leaseLost", epoch: 1, mayBeWritten: true });
    await expect(lease.commit("2")).rejects.toMatchObject({ mayBeWritten: false });
    await waitFor(() =>
      expect(member.events).toContainEqual({ type: "lost", resource: "r", epoch: 1, reason: "expired" }),
    );
    isCut = false;
    // Its own name is on it still, so it need not wait once the round that hangs is given up.
    time.advance(DURATION_MS / 3);
    member.group.wake();
    await waitFor(() => expect(member.given.at(-1)?.epoch).toBe(2));
    await member.group.stop();
  });

  it("is lost to who claimed it, and what is committed then is not written", async () => {
    const storage = createMemoryControlStorage();
    const time = new ManualTime();
    const lease = await firstLease(join({ storage, time }));
    await lease.commit("1");
    const key = { partition: "LEASE|g", sort: "r" };
    await storage.update({ key, where: {}, set: { owner: "x", epoch: 2, beat: 9 } });
    await expect(lease.commit("2")).rejects.toMatchObject({ code: "leaseLost", mayBeWritten: false });
    expect(lease.lost.aborted).toBe(true);
    expect(await storage.find(key)).toMatchObject({ owner: "x", position: "1" });
  });

  it("tells that a commit may be written if the reply was lost before the lease was", async () => {
    const storage = createMemoryControlStorage();
    const time = new ManualTime();
    let fails = 0;
    const key = { partition: "LEASE|g", sort: "r" };
    const lossy: ControlStorage = {
      ...storage,
      async update(update, signal) {
        const outcome = await storage.update(update, signal);
        if (update.set["position"] === undefined || fails++ > 0) return outcome;
        await storage.update({ key, where: {}, set: { owner: "x", epoch: 2 } });
        throw new UncertainWriteError({ mayBeWritten: true, cause: new Error("the reply was lost") });
      },
    };
    const lease = await firstLease(join({ storage: lossy, time }));
    const commit = lease.commit("1");
    commit.catch(() => undefined);
    await waitFor(() => {
      time.advance(100);
      expect(lease.lost.aborted).toBe(true);
    });
    await expect(commit).rejects.toMatchObject({ code: "leaseLost", mayBeWritten: true });
  });

  it("passes other errors of the storage through, and stays held", async () => {
    const storage = createMemoryControlStorage();
    const time = new ManualTime();
    let error: Error | undefined;
    const failing: ControlStorage = {
      ...storage,
      update: (update, signal) => (error ? Promise.reject(error) : storage.update(update, signal)),
    };
    const member = join({ storage: failing, time });
    const lease = await firstLease(member);
    error = new Error("slow down");
    await expect(lease.commit("1")).rejects.toBe(error);
    error = undefined;
    await lease.commit("1");
    expect(lease.lost.aborted).toBe(false);
    await expect(lease.commit(1 as unknown as string)).rejects.toThrow(TypeError);
    await member.group.stop();
  });
});

describe("a group", () => {
  it("takes away what members left behind who are gone for an hour", async () => {
    const storage = createMemoryControlStorage();
    const time = new ManualTime();
    const member = { partition: "MEMBER|g", sort: "gone" };
    const { applied } = await storage.update({
      key: member,
      where: {},
      set: { beat: 1, durationMs: DURATION_MS },
    });
    expect(applied).toBe(true);
    const one = join({ storage, time });
    await vi.waitFor(async () => expect(await beatOf(storage)).toBe(1));
    const look = async (): Promise<void> => {
      const before = await beatOf(storage);
      one.group.wake();
      await vi.waitFor(async () => expect(await beatOf(storage)).toBeGreaterThan(before));
    };
    await look();
    time.advance(3_599_000);
    await look();
    await look();
    expect(await storage.find(member)).toBeDefined();
    time.advance(3_600_000);
    await vi.waitFor(async () => {
      one.group.wake();
      expect(await storage.find(member)).toBeUndefined();
    });
    await one.group.stop();
  });

  it("hands a lease over to the member that is to have it, when its work has ended", async () => {
    const storage = createMemoryControlStorage();
    const time = new ManualTime();
    const resources = (): string[] => ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mayEnd = false;
    const ended = async (lease: Lease): Promise<void> => {
      await untilReleased(lease);
      await waitFor(() => expect(mayEnd).toBe(true));
    };
    const one = join({ storage, time }, ended, resources);
    await waitFor(() => expect(one.given.length).toBe(8));
    const two = join({ storage, time }, untilReleased, resources);
    const asked = (): Lease[] => one.given.filter(({ release }) => release.aborted);
    await waitFor(() => {
      time.advance(DURATION_MS / 3);
      expect(asked()).not.toEqual([]);
    });
    expect(asked().every(({ lost }) => !lost.aborted)).toBe(true);
    expect(two.given).toEqual([]);
    await one.given[0]?.commit("still mine");
    mayEnd = true;
    await waitFor(() => {
      time.advance(DURATION_MS / 9);
      expect(two.given.length).toBe(asked().length);
    });
    expect(new Set(two.given.map(({ epoch }) => epoch))).toEqual(new Set([2]));
    expect(
      asked()
        .map(({ resource }) => resource)
        .toSorted(),
    ).toEqual(two.given.map(({ resource }) => resource).toSorted());
    await Promise.all([one.group.stop(), two.group.stop()]);
  });

  it("asks for what is no longer there to be finished, and does not take it again", async () => {
    const time = new ManualTime();
    let resources = ["a", "b"];
    const member = join({ storage: createMemoryControlStorage(), time }, untilReleased, () => resources);
    await waitFor(() => expect(member.given.length).toBe(2));
    resources = ["b"];
    member.group.wake();
    await waitFor(() => expect(types(member.events)).toEqual(["acquired", "acquired", "released"]));
    expect(member.given.map(({ lost }) => lost.aborted)).toEqual([true, false]);
    await member.group.stop();
  });

  it("pauses what failed, longer each time, and tells", async () => {
    const time = new ManualTime();
    const failure = new Error("bad luck");
    const member = join({ storage: createMemoryControlStorage(), time }, async () => {
      throw failure;
    });
    const failures = (): LeaseEvent[] => member.events.filter(({ type }) => type === "runFailed");
    await waitFor(() => expect(types(member.events)).toContain("released"));
    expect(failures()).toEqual([
      { type: "runFailed", resource: "r", epoch: 1, error: failure, pauseMs: 1_500 },
    ]);
    member.group.wake();
    await waitFor(async () => {
      time.advance(1_000);
      member.group.wake();
      expect(failures().length).toBe(2);
    });
    expect(failures()[1]).toMatchObject({ epoch: 2, pauseMs: 2_500 });
    await member.group.stop();
  });

  it("tells when a round fails, and goes on", async () => {
    const time = new ManualTime();
    const broken = new Error("no resources");
    let error: Error | undefined = broken;
    const member = join({ storage: createMemoryControlStorage(), time }, untilReleased, () => {
      if (error) throw error;
      return ["r"];
    });
    await waitFor(() => expect(member.events).toEqual([{ type: "roundFailed", error: broken }]));
    error = undefined;
    time.advance(DURATION_MS / 3);
    await firstLease(member);
    await member.group.stop();
  });

  it("stops within its time: work that does not end loses its lease", async () => {
    const storage = createMemoryControlStorage();
    const time = new ManualTime();
    const member = join({ storage, time }, () => new Promise(() => undefined));
    const lease = await firstLease(member);
    const stopped = member.group.stop({ drainMs: 5_000 });
    await aborted(lease.release);
    await lease.commit("the last");
    expect(lease.lost.aborted).toBe(false);
    time.advance(5_000);
    await stopped;
    expect(lease.lost.aborted).toBe(true);
    expect(await member.group.list()).toEqual([
      { resource: "r", owner: undefined, epoch: 1, position: "the last" },
    ]);
    expect((await storage.list("MEMBER|g", { consistency: "strong" })).size).toBe(0);
  });

  it("refuses what can't be", async () => {
    const storage = createMemoryControlStorage();
    expect(() => createLeaseGroup({ storage, group: "" })).toThrow(TypeError);
    expect(() => createLeaseGroup({ storage, group: "g", leaseDurationMs: 50 })).toThrow(RangeError);
    const group = createLeaseGroup({ storage, group: "g" });
    await group.stop();
    expect(() => group.start({ resources: () => [], run: untilReleased })).toThrow(TypeError);
  });
});
