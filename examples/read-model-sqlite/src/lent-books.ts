import { defineProjection, type HandlerProjection } from "@tuppence/projections";
import type Database from "libsql";
import { libraryEvents } from "./library-events.ts";
import { createPositions, loadPosition, movePosition } from "./positions.ts";

/** What a reader has at home, and has had. */
export interface ReaderBooks {
  readonly reader: string;
  readonly books: number;
  readonly everLent: number;
}

/**
 * How many books each reader has, in a table of its own for each build. Counts are added to, so an event that came twice would count twice:
 * the position moves in the same transaction. A transaction of SQLite is one call without a pause, so nothing else of this process comes
 * in between; `immediate` makes other processes wait.
 */
export function defineLentBooks(
  db: Database.Database,
  move: typeof movePosition = movePosition,
): HandlerProjection {
  return defineProjection({
    name: "lent-books",
    version: 1,
    events: libraryEvents,
    types: ["BookLent", "BookReturned"],

    prepare({ build }) {
      createPositions(db);
      db.exec(`CREATE TABLE IF NOT EXISTS ${tableOf(build)} (
        reader TEXT PRIMARY KEY, books INTEGER NOT NULL, everLent INTEGER NOT NULL
      )`);
    },

    handle(events, step) {
      const count = db.prepare(
        `INSERT INTO ${tableOf(step.build)} (reader, books, everLent) VALUES (?, ?, ?)
        ON CONFLICT (reader) DO UPDATE SET books = books + excluded.books, everLent = everLent + excluded.everLent`,
      );
      db.transaction(() => {
        move(db, step);
        for (const { type, data } of events) {
          count.run(data.reader, type === "BookLent" ? 1 : -1, type === "BookLent" ? 1 : 0);
        }
      }).immediate();
    },

    loadPosition: async (slot) => loadPosition(db, slot),

    retire({ name, build }) {
      db.transaction(() => {
        db.exec(`DROP TABLE IF EXISTS ${tableOf(build)}`);
        db.prepare("DELETE FROM projection_positions WHERE name = ? AND build = ?").run(name, build);
      }).immediate();
    },
  });
}

/** The readers of a build, by name. */
export function readersOf(db: Database.Database, build: number): readonly ReaderBooks[] {
  const rows = db.prepare(`SELECT reader, books, everLent FROM ${tableOf(build)} ORDER BY reader`).all();
  return rows as ReaderBooks[];
}

function tableOf(build: number): string {
  return `lent_books_${build}`;
}
