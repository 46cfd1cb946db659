import type { Queries } from "./database.ts";

/** A slot of a build of a projection, which has a position of its own. */
export interface Slot {
  readonly name: string;
  readonly build: number;
  readonly slot: number;
}

/** A batch of a slot: everything up to `after` was handled before, everything up to `upTo` is handled with it. */
export interface Step extends Slot {
  readonly after: number;
  readonly upTo: number;
}

/** Somebody else is further, or was here already: what was about to be written is rolled back. */
export class PositionTakenError extends Error {
  override readonly name = "PositionTakenError";

  constructor({ name, build, slot, after }: Step) {
    super(`Slot ${slot} of ${name}, build ${build}, is behind position ${after} by now.`);
  }
}

/** One table for the positions of all projections in this database. */
export async function createPositions(tx: Queries): Promise<void> {
  await tx.query(`CREATE TABLE IF NOT EXISTS projection_positions (
    name text, build integer, slot integer, position bigint NOT NULL, PRIMARY KEY (name, build, slot)
  )`);
}

/** Undefined before the first batch. */
export async function loadPosition(db: Queries, { name, build, slot }: Slot): Promise<number | undefined> {
  const { rows } = await db.query(
    "SELECT position FROM projection_positions WHERE name = $1 AND build = $2 AND slot = $3",
    [name, build, slot],
  );
  return rows[0] && Number(rows[0].position);
}

/**
 * Moves the position in the transaction that writes what follows from the batch, before anything else: whoever comes with a batch of
 * the same slot at the same time waits here for the lock on the row, and then finds the position moved.
 *
 * `<=` and not `=`: what the projection does not handle is passed over without a word, so `after` may be above what is stored.
 *
 * @throws PositionTakenError when the position is behind `after`: the batch was handled, or another process is further.
 */
export async function movePosition(tx: Queries, step: Step): Promise<void> {
  const { name, build, slot, after, upTo } = step;
  const { rows } = await tx.query(
    `INSERT INTO projection_positions AS own (name, build, slot, position) VALUES ($1, $2, $3, $4)
    ON CONFLICT (name, build, slot) DO UPDATE SET position = excluded.position WHERE own.position <= $5
    RETURNING position`,
    [name, build, slot, upTo, after],
  );
  if (rows.length === 0) throw new PositionTakenError(step);
}

/** Forgets the positions of a build. */
export async function deletePositions(tx: Queries, { name, build }: Omit<Slot, "slot">): Promise<void> {
  await tx.query("DELETE FROM projection_positions WHERE name = $1 AND build = $2", [name, build]);
}
