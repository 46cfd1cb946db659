import type { AlsoWrite, ChainStorage } from "../chain/storage.ts";
import { alsoSize } from "../chain/transaction-size.ts";

const KINDS = ["Put", "Update", "Delete", "ConditionCheck"] as const;

/**
 * The other writes of an append or a transaction; undefined when there are none.
 *
 * @throws TypeError for what is no such write, or when the store has no other tables.
 */
export function checkedAlso(
  { hasOtherTables = false }: ChainStorage,
  also: readonly AlsoWrite[] | undefined,
): readonly AlsoWrite[] | undefined {
  if (also === undefined || also.length === 0) return undefined;
  if (!hasOtherTables) {
    throw new TypeError(
      "This store keeps its streams in memory: there are no other tables to write to with `also`.",
    );
  }
  for (const [index, write] of also.entries()) checkWrite(`also[${index}]`, write);
  // What the caller does with the list meanwhile changes nothing.
  return [...also];
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
