import { expect, it } from "vitest";
import { defineProjection, type Projection } from "../src/index.ts";
import { TimedRun } from "./timed-run.ts";

/** All in one batch: a stream that is parked, and goes on between others, of which one fails as well. */
const EVENTS = ["bad|1", "ok|1", "bad|1", "ok|2", "bad|1", "worse|1", "bad|1", "ok|1", "worse|1"].map(
  (streamId) => ({ streamId }),
);

const PARKED = [1, 3, 5, 6, 7, 9];

type Kind = "documents" | "documents together" | "handler" | "transaction handler" | "reactor";

function strict(kind: Kind, isBroken: () => boolean, done: number[]): Projection {
  const base = { name: "strict", version: 1, maxAttempts: 1 };
  const check = ({ streamId }: { readonly streamId: string }): void => {
    if (isBroken() && !streamId.startsWith("ok|")) throw new Error("not yet");
  };
  const take = (event: { readonly streamId: string; readonly position: number }): void => {
    check(event);
    done.push(event.position);
  };
  switch (kind) {
    case "documents":
    case "documents together":
      return defineProjection({
        ...base,
        mode: kind === "documents" ? "guard" : "transaction",
        key: ({ streamId }) => streamId,
        initialState: (): number[] => [],
        evolve(positions, event) {
          check(event);
          return [...positions, event.position];
        },
      }) as Projection;
    case "handler":
      return defineProjection({
        ...base,
        handle(events) {
          for (const event of events) check(event);
          for (const event of events) take(event);
        },
      });
    case "transaction handler":
      return defineProjection({
        ...base,
        mode: "transaction",
        handle(events) {
          for (const event of events) check(event);
          return events.map(({ position }) => ({
            Put: { TableName: "t", Item: { position: { N: String(position) } } },
          }));
        },
      });
    case "reactor":
      return defineProjection({ ...base, react: take });
  }
}

it.each<Kind>(["documents", "documents together", "handler", "transaction handler", "reactor"])(
  "what is behind a parked event is parked before the position passes it, also when another event fails (%s)",
  async (kind) => {
    let isBroken = true;
    const done: number[] = [];
    const passedOver: number[] = [];
    const run = new TimedRun([strict(kind, () => isBroken, done)], {
      // A crash may come after any write.
      onWrite: async (writing) => {
        const position = await writing.stored("strict", 1);
        if (!isBroken || position === 0) return;
        const there = new Set((await writing.parked("strict")).map((event) => event.position));
        passedOver.push(...PARKED.filter((each) => each <= position && !there.has(each)));
      },
    });
    await run.append(EVENTS);
    await run.untilStored(EVENTS.length);
    const parked = await run.parked("strict");
    const reasons = parked.map(({ reason }) => reason);
    expect(reasons).toEqual(["failed", "behind", "behind", "failed", "behind", "behind"]);
    expect(parked.map(({ position }) => position)).toEqual(PARKED);
    expect(passedOver).toEqual([]);
    isBroken = false;
    await run.projections.replay("strict");
    await run.until(() => run.saidOf("replayed").length === PARKED.length);
    expect(await run.parked("strict")).toEqual([]);
    const written = run.written.map((each) =>
      Number((each as { Put: { Item: { position: { N: string } } } }).Put.Item.position.N),
    );
    const folded = kind.startsWith("documents") ? await statesOf(run) : [];
    const handled = [...done, ...written, ...folded].toSorted((one, other) => one - other);
    expect(handled).toEqual(EVENTS.map((_, index) => index + 1));
  },
);

async function statesOf(run: TimedRun): Promise<readonly number[]> {
  const positions: number[] = [];
  for await (const { document } of run.projections
    .documents(strict("documents", () => false, []) as never)
    .list()) {
    positions.push(...(document as readonly number[]));
  }
  return positions;
}
