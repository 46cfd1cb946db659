import type { AlsoWrite, ChainStorage } from "../chain/storage.ts";
import { alsoSize } from "../chain/transaction-size.ts";
import type { RecordedEvent } from "../events.ts";

/** Other writes that follow from the events of an append, as they will be stored. */
export type AlsoOfEvents = (
  events: readonly RecordedEvent[],
) => Promise<readonly AlsoWrite[]> | readonly AlsoWrite[];

const KINDS = ["Put", "Update", "Delete", "ConditionCheck"] as const;

/**
 * The other writes of an append or a transaction; undefined when there are none.
 *
 * @throws TypeError for what is no such write, or when the store has no other tables.
 */
export function checkedAlso(
  storage: ChainStorage,
  also: readonly AlsoWrite[] | undefined,
): readonly AlsoWrite[] | undefined {
  if (also !== undefined && !Array.isArray(also)) {
    throw new TypeError(`\`also\` is a ${typeof also}; it has to be a list of writes.`);
  }
  if (also === undefined || also.length === 0) return undefined;
  checkHasOtherTables(storage);
  for (const [index, write] of also.entries()) checkWrite(`also[${index}]`, write);
  // What the caller does with the list meanwhile changes nothing.
  return [...also];
}

/** The same for an append, which may find out about its other writes once it has its place. */
export function checkedAlsoOfAppend(
  storage: ChainStorage,
  also: readonly AlsoWrite[] | AlsoOfEvents | undefined,
): readonly AlsoWrite[] | AlsoOfEvents | undefined {
  if (typeof also !== "function") return checkedAlso(storage, also);
  checkHasOtherTables(storage);
  return async (events) => checkedAlso(storage, await also(events)) ?? [];
}

function checkHasOtherTables({ hasOtherTables = false }: ChainStorage): void {
  if (hasOtherTables) return;
  throw new TypeError(
    "This store keeps its streams in memory: there are no other tables to write to with `also`.",
  );
}

function checkWrite(name: string, write: AlsoWrite): void {
  const given = Object.entries(write).flatMap(([kind, action]) => (action === undefined ? [] : [kind]));
  if (given.length !== 1 || !KINDS.some((kind) => kind === given[0])) {
    const has = given.length === 0 ? "nothing" : given.join(" and ");
    throw new TypeError(`${name} has to be one of ${KINDS.join(", ")}; it has ${has}.`);
  }
  // Values that are none of DynamoDB's are found on the way.
  alsoSize(write);
}
