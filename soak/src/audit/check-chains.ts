import { paginateScan } from "@aws-sdk/client-dynamodb";
import { EVENTS_TABLE, type OpenPlace } from "../place.ts";
import type { Problems } from "./problems.ts";

/** Above every version: a snapshot that stands apart. */
const SNAPSHOT_SLOT = 2 ** 53;

interface Tile {
  readonly first: number;
  readonly count: number;
}

/** Looks at the items themselves: those of every stream, of the log and of every queue have to tile 1, 2, 3 … Answers their chains' names. */
export async function checkChains({ client }: OpenPlace, problems: Problems): Promise<readonly string[]> {
  const chains = new Map<string, Tile[]>();
  const scan = { TableName: EVENTS_TABLE, ProjectionExpression: "p, s, n", ConsistentRead: true };
  for await (const { Items = [] } of paginateScan({ client }, scan)) {
    for (const { p, s, n } of Items) {
      const name = p?.S ?? "";
      const first = Number(s?.N);
      if (first >= SNAPSHOT_SLOT) continue;
      chains.set(name, [...(chains.get(name) ?? []), { first, count: Number(n?.N ?? 1) }]);
    }
  }
  for (const [name, tiles] of chains) {
    let next = 1;
    for (const { first, count } of tiles.toSorted((one, other) => one.first - other.first)) {
      if (first !== next)
        problems.add("chain broken", `${name} has an item at ${first}, where ${next} follows`);
      next = first + count;
    }
  }
  return [...chains.keys()];
}
