import type { BatchContext } from "@tuppence/projections";
import type Database from "libsql";

/** A batch of a slot: everything up to `after` was handled before, everything up to `upTo` is handled with it. */
export type Step = Pick<BatchContext, "name" | "build" | "slot" | "after" | "upTo">;

/** Somebody else is further, or was here already: what was about to be written is rolled back. */
export class PositionTakenError extends Error {
  override readonly name = "PositionTakenError";

  constructor({ name, build, slot, after }: Step) {
    super(`Slot ${slot} of ${name}, build ${build}, is behind position ${after} by now.`);
  }
}

/** One table for the positions of all projections in this file. */
export function createPositions(db: Database.Database): void {
  db.exec(`CREATE TABLE IF NOT EXISTS projection_positions (
    name TEXT, build INTEGER, slot INTEGER, position INTEGER NOT NULL, PRIMARY KEY (name, build, slot)
  )`);
}

/** Undefined before the first batch. */
export function loadPosition(
  db: Database.Database,
  { name, build, slot }: Pick<Step, "name" | "build" | "slot">,
): number | undefined {
  const row = db
    .prepare("SELECT position FROM projection_positions WHERE name = ? AND build = ? AND slot = ?")
    .get(name, build, slot) as { readonly position: number } | undefined;
  return row?.position;
}

/**
 * Moves the position, in the transaction that writes what follows from the batch.
 *
 * `<=` and not `=`: what the projection does not handle is passed over without a word, so `after` may be above what is stored.
 *
 * @throws PositionTakenError when the position is behind `after`: the batch was handled, or another process is further.
 */
export function movePosition(db: Database.Database, step: Step): void {
  const { name, build, slot, after, upTo } = step;
  const moved = db
    .prepare(
      `INSERT INTO projection_positions (name, build, slot, position) VALUES (?, ?, ?, ?)
      ON CONFLICT (name, build, slot) DO UPDATE SET position = excluded.position WHERE position <= ?`,
    )
    .run(name, build, slot, upTo, after);
  if (moved.changes === 0) throw new PositionTakenError(step);
}
