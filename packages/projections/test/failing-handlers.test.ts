import { describe, expect, it } from "vitest";
import { defineProjection, NonRetryableError, RetryAfterError } from "../src/index.ts";
import { TimedRun } from "./timed-run.ts";

const streamsOf = (streamIds: readonly string[]) => streamIds.map((streamId) => ({ streamId }));

/** Eight events, of which the fifth can't be handled. */
const EVENTS = streamsOf(["a|1", "b|1", "c|1", "d|1", "bad|1", "e|1", "bad|1", "f|1"]);
const BAD = 5;
const MAX_ATTEMPTS = 3;

/** A handler that throws this whenever the bad event is among what it is handed, and what it was handed. */
function runFailing(
  error: (position: number) => Error,
  mode: "atLeastOnce" | "transaction" = "atLeastOnce",
): { readonly run: TimedRun; readonly calls: (readonly number[])[]; readonly done: number[] } {
  const calls: (readonly number[])[] = [];
  const done: number[] = [];
  const handle = (events: readonly { readonly position: number }[]): void => {
    const positions = events.map(({ position }) => position);
    calls.push(positions);
    if (positions.includes(BAD)) throw error(BAD);
    done.push(...positions);
  };
  const base = { name: "failing", version: 1, maxAttempts: MAX_ATTEMPTS };
  const put = ({ position }: { readonly position: number }) => ({
    Put: { TableName: "t", Item: { position: { N: String(position) } } },
  });
  const projection =
    mode === "transaction"
      ? defineProjection({
          ...base,
          mode,
          handle(events) {
            handle(events);
            return events.map(put);
          },
        })
      : defineProjection({ ...base, handle });
  return { run: new TimedRun([projection]), calls, done };
}

describe("RetryAfterError", () => {
  it("waits for as long as it says, for ever, and is no failure of the event", async () => {
    const attempts: number[] = [];
    let isClosed = true;
    const run = new TimedRun([
      defineProjection({
        name: "office",
        version: 1,
        maxAttempts: 2,
        handle() {
          attempts.push(run.now);
          if (isClosed) throw new RetryAfterError("closed", { retryAfterMs: 7_000 });
        },
      }),
    ]);
    await run.append(streamsOf(["a|1"]));
    await run.until(() => attempts.length === 10);
    const pauses = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
    expect(pauses).toEqual(Array.from({ length: 9 }, () => 7_000));
    expect(run.saidOf("retrying").map(({ pauseMs, attempt }) => [pauseMs, attempt])).toEqual(
      Array.from({ length: 10 }, (_, index) => [7_000, index + 1]),
    );
    expect(await run.parked("office")).toEqual([]);
    isClosed = false;
    await run.untilStored(1);
    expect(run.saidOf("parked")).toEqual([]);
  });

  it("does not use up the attempts that another error has", async () => {
    let calls = 0;
    const run = new TimedRun([
      defineProjection({
        name: "office",
        version: 1,
        maxAttempts: 2,
        react() {
          calls += 1;
          throw calls === 4 || calls === 8
            ? new Error("lost")
            : new RetryAfterError("closed", { retryAfterMs: 10 });
        },
      }),
    ]);
    await run.append(streamsOf(["a|1"]));
    await run.until(() => run.saidOf("parked").length === 1);
    expect(calls).toBe(8);
  });

  it("refuses a time that is none", () => {
    for (const retryAfterMs of [-1, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY]) {
      expect(() => new RetryAfterError("later", { retryAfterMs })).toThrow(RangeError);
    }
    expect(new RetryAfterError("later", { retryAfterMs: 2 ** 31 - 1 }).retryAfterMs).toBe(2 ** 31 - 1);
  });
});

describe.each(["atLeastOnce", "transaction"] as const)("NonRetryableError of a handler (%s)", (mode) => {
  it("with the position of an event parks that one, and its stream, and is not tried again", async () => {
    const { run, calls, done } = runFailing(
      (position) => new NonRetryableError("no such thing", { position }),
      mode,
    );
    await run.append(EVENTS);
    await run.untilStored(EVENTS.length);
    // As a whole, what is before, and the rest, which shows that it is about its first event.
    expect(calls).toEqual([
      [1, 2, 3, 4, 5, 6, 7, 8],
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [6, 8],
    ]);
    expect(done).toEqual([1, 2, 3, 4, 6, 8]);
    expect(await run.parked("failing")).toMatchObject([
      { position: BAD, streamId: "bad|1", reason: "failed", attempts: 1 },
      { position: 7, streamId: "bad|1", reason: "behind" },
    ]);
    expect(run.saidOf("retrying")).toEqual([]);
    expect(run.written.length).toBe(mode === "transaction" ? 6 : 0);
  });

  it("without one is found by halves: each event that is before it is handled once", async () => {
    const { run, calls, done } = runFailing(() => new NonRetryableError("no such thing"), mode);
    await run.append(EVENTS);
    await run.untilStored(EVENTS.length);
    expect(calls).toEqual([[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8], [5, 6], [5], [6, 8]]);
    expect(done).toEqual([1, 2, 3, 4, 6, 8]);
    expect(await run.parked("failing")).toMatchObject([{ position: BAD, attempts: 1 }, { position: 7 }]);
    expect(run.saidOf("retrying")).toEqual([]);
  });
});

it("an error that says nothing of itself is tried maxAttempts times, and found by halves", async () => {
  const { run, calls, done } = runFailing(() => new Error("no such thing"));
  await run.append(EVENTS);
  await run.untilStored(EVENTS.length);
  expect(calls.filter((positions) => positions.length === 8).length).toBe(MAX_ATTEMPTS);
  expect(calls.filter((positions) => positions.length === 1).length).toBe(MAX_ATTEMPTS);
  expect(done).toEqual([1, 2, 3, 4, 6, 8]);
  expect(await run.parked("failing")).toMatchObject([{ attempts: MAX_ATTEMPTS }, { reason: "behind" }]);
});

it("a reactor that throws a NonRetryableError is not called again", async () => {
  const calls: number[] = [];
  const run = new TimedRun([
    defineProjection({
      name: "mails",
      version: 1,
      react({ position }) {
        calls.push(position);
        if (position === BAD) throw new NonRetryableError("no address");
      },
    }),
  ]);
  await run.append(EVENTS);
  await run.untilStored(EVENTS.length);
  expect(calls).toEqual([1, 2, 3, 4, 5, 6, 8]);
  expect(await run.parked("mails")).toMatchObject([{ position: BAD, attempts: 1 }, { position: 7 }]);
});
