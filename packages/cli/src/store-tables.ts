import { CONTROL_TTL_ATTRIBUTE, controlTable, eventsTable, type TableDefinition } from "@tuppence/core";
import { DOCUMENTS_TTL_ATTRIBUTE, documentsTable } from "@tuppence/projections";
import { SCHEDULES_TTL_ATTRIBUTE, schedulesTable } from "@tuppence/scheduler";

/** A table, and what is asked for beside its definition. */
export interface StoreTable {
  readonly definition: TableDefinition;
  /** Undefined when it needs no TTL. */
  readonly ttlAttribute?: string | undefined;
}

/** The tables of a store with its log and its queues, of its workers, its projections and its schedules. */
export function storeTables(prefix: string): readonly StoreTable[] {
  return [
    { definition: eventsTable(prefix) },
    { definition: controlTable(prefix), ttlAttribute: CONTROL_TTL_ATTRIBUTE },
    { definition: documentsTable(prefix), ttlAttribute: DOCUMENTS_TTL_ATTRIBUTE },
    { definition: schedulesTable(prefix), ttlAttribute: SCHEDULES_TTL_ATTRIBUTE },
  ];
}
