import fc from "fast-check";
import { expect, it } from "vitest";
import { createCommandHandler, createCommitId, createStateCache, type RecordedEvent } from "../src/index.ts";
import { createMemoryEventStore, createMemoryStorage } from "../src/memory/index.ts";

const STREAMS = ["p|1", "p|2", "p|3"];

/** Everything that an event says goes into the state, so that no difference stays hidden. */
const decider = {
  initialState: (): readonly string[] => [],
  evolve: (state: readonly string[], event: RecordedEvent) => [...state, JSON.stringify(event)],
  decide: (events: number, state: readonly string[]) =>
    Array.from({ length: events }, (_, index) => ({ type: "Decided", data: state.length + index })),
};

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const step = fc.record({
  kind: fc.constantFrom("load", "append", "rival", "handle", "handle again", "drop"),
  stream: fc.constantFrom(...STREAMS),
  events: fc.integer({ min: 1, max: 4 }),
  id: fc.integer({ min: 0, max: 3 }),
  eventual: fc.boolean(),
});

it("a load with a cache gives what one without gives, whatever happens in between", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 8 }),
      async (rounds, maxStreams, maxCommitIds) => {
        const storage = createMemoryStorage();
        const [store, rival] = [createMemoryEventStore({ storage }), createMemoryEventStore({ storage })];
        const cache = createStateCache<readonly string[]>({ maxStreams, maxCommitIds });
        const handle = createCommandHandler({ store, decider, cache });
        const ids = Array.from({ length: 4 }, () => createCommitId());
        const run = async ({ kind, stream, events, id, eventual }: Step) => {
          const some = Array.from({ length: events }, (_, index) => ({ type: "Given", data: index }));
          const commitId = `${ids[id]?.slice(0, -1)}${STREAMS.indexOf(stream)}`;
          switch (kind) {
            case "load":
              return store.load(stream, decider, { cache, consistency: eventual ? "eventual" : "strong" });
            case "append":
              return store.append(stream, some);
            case "rival":
              return rival.append(stream, some);
            case "handle":
              return handle(stream, events);
            case "handle again":
              return handle(stream, events, { commitId });
            case "drop":
              return cache.clear();
          }
        };
        for (const round of rounds) {
          await Promise.all(round.map(run));
          for (const stream of STREAMS) {
            const kept = cache.peek(stream);
            const past = await rival.load(stream, decider, { toVersion: Math.max(1, kept?.version ?? 0) });
            const { state: truth } = kept?.version === 0 ? { state: [] } : past;
            expect(kept?.state ?? truth).toEqual(truth);
            const { state, version } = await rival.load(stream, decider);
            expect(await store.load(stream, decider, { cache })).toMatchObject({ state, version });
            // No id is stored twice, however often its command came.
            const stored = state.map((text) => (JSON.parse(text) as RecordedEvent).eventId);
            expect(new Set(stored).size).toBe(stored.length);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});
