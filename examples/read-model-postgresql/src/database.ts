/** Where a statement runs: in a transaction, or by itself. */
export interface Queries {
  query(
    sql: string,
    values?: unknown[],
  ): Promise<{ readonly rows: readonly Readonly<Record<string, unknown>>[] }>;
}

/** A PostgreSQL database, as far as it is needed here: PGlite is one as it is; the README shows it for `pg`. */
export interface Database extends Queries {
  /** Makes all or nothing of what is done in it, and rolls back what throws. */
  transaction<Result>(work: (tx: Queries) => Promise<Result>): Promise<Result>;
}
