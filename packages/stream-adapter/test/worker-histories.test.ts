import { describe, expect, it } from "vitest";
import { type Sabotage, runWorkerHistory } from "./worker-history.ts";

/** Others with `SEED=…`; problems name theirs. */
const FIRST_SEED = Number(process.env["SEED"] ?? 1);
const HISTORIES = Number(process.env["HISTORIES"] ?? 120);

async function firstProblems(histories: number, sabotage: Sabotage = {}): Promise<readonly string[]> {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + histories; seed++) {
    const problems = await runWorkerHistory(seed, sabotage);
    if (problems.length > 0) return problems;
  }
  return [];
}

describe("a worker's histories", () => {
  it("handle every record, in order, parents first, and tell of each gap", async () => {
    expect(await firstProblems(HISTORIES)).toEqual([]);
  });
});

describe("the histories notice", () => {
  const broken: Record<string, Sabotage> = {
    "children before their parents": {
      guards: {
        plan: (streams, isFinished) => ({
          waiting: [],
          readable: streams.flatMap(({ streamArn, shards }) =>
            [...shards.values()]
              .filter(({ shardId }) => !isFinished({ streamArn, shardId }))
              .map(({ shardId, startingSequenceNumber }) => ({
                streamArn,
                shardId,
                startingSequenceNumber,
                isParentGone: false,
              })),
          ),
        }),
      },
    },
    "a position that moves before the handler is done": { guards: { commitsWhenDone: false } },
    "sequence numbers compared as text": {
      guards: { compare: (one, other) => (one < other ? -1 : Number(one > other)) },
    },
    "expired iterators made again from the latest record": { fromLatest: true },
  };
  it.each(Object.entries(broken))("%s", async (_name, sabotage) => {
    expect(await firstProblems(40, sabotage)).not.toEqual([]);
  });
});
