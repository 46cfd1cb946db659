import {
  type ControlItem,
  type ControlStorage,
  type ControlUpdate,
  createMemoryControlStorage,
} from "@tuppence/core/leases";
import { compareKeys } from "../documents/compare-keys.ts";
import { type DocumentRecord, NO_DOCUMENT } from "../documents/document.ts";
import type { DocumentPut, DocumentStorage, ProjectionStorage } from "./projection-storage.ts";

/**
 * Documents, checkpoints and parked work in this process's memory, for tests. Workers and readers that are given the same one share
 * them. Transactions take no writes to other tables.
 */
export function createMemoryProjectionStorage(
  control: ControlStorage = createMemoryControlStorage(),
): ProjectionStorage {
  return {
    control,
    documents: documentsIn(control),
    transact: ({ control: changes, documents = [], writes = [] }, signal) =>
      control.transact([...changes, ...documents.map(putUpdate)], writes, signal),
    ensureTables: () => control.ensureTables(),
  };
}

function documentsIn(control: ControlStorage): DocumentStorage {
  return {
    async getMany(partition, keys, { consistency, signal }) {
      const all = await control.list(place(partition), { consistency, signal });
      return new Map(
        keys.flatMap((key) => {
          const item = all.get(key);
          return item === undefined ? [] : [[key, recordOf(item)]];
        }),
      );
    },

    checkSize() {
      // There is room for all.
    },

    async put(put, signal) {
      const outcome = await control.update(putUpdate(put), signal);
      if (outcome.applied) return { applied: true };
      return { applied: false, found: outcome.item && recordOf(outcome.item) };
    },

    async list(partition, { prefix = "", after, limit = 1_000, consistency, signal }) {
      const all = await control.list(place(partition), { consistency, signal });
      const wanted = [...all]
        .filter(([key]) => key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0))
        .toSorted(([one], [other]) => compareKeys(one, other));
      return {
        documents: wanted.slice(0, limit).map(([key, item]) => [key, recordOf(item)] as const),
        more: wanted.length > limit,
      };
    },

    async deleteMany(partition, keys, signal) {
      for (const key of keys) await control.delete({ partition: place(partition), sort: key }, signal);
    },
  };
}

function place(partition: string): string {
  return `DOCUMENTS|${partition}`;
}

function putUpdate({ partition, key, record }: DocumentPut): ControlUpdate {
  const { state, position, revision, streams } = record;
  return {
    key: { partition: place(partition), sort: key },
    where: { revision: revision === 1 ? undefined : revision - 1 },
    set: { state, position, revision, streams: JSON.stringify([...streams]) },
  };
}

function recordOf({ state, position, revision, streams }: ControlItem): DocumentRecord {
  return {
    ...NO_DOCUMENT,
    state: state === undefined ? undefined : String(state),
    position: Number(position),
    revision: Number(revision),
    streams: new Map(JSON.parse(String(streams)) as [string, number][]),
  };
}
