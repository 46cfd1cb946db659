import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import type { Consistency } from "@tuppence/core";
import type { ControlChange, ControlStorage, ControlTransactOutcome } from "@tuppence/core/leases";
import type { DocumentRecord } from "../documents/document.ts";

/** A document to be put in the place of the one that it follows from. */
export interface DocumentPut {
  /** A build's slot: see `documentsOf`. */
  readonly partition: string;
  readonly key: string;
  /** Its revision is one more than that of the document that has to be there; 1 where none may be. */
  readonly record: DocumentRecord;
}

/** What came of a put: when another document was there, that one (undefined: none). */
type PutOutcome =
  | { readonly applied: true }
  | { readonly applied: false; readonly found: DocumentRecord | undefined };

/** One page of a partition's documents, in order of their keys' UTF-8 bytes; traces of deleted ones among them. */
export interface DocumentPage {
  readonly documents: readonly (readonly [key: string, record: DocumentRecord])[];
  /** Whether there may be more behind the last of them. */
  readonly more: boolean;
}

/** Where documents are kept. */
export interface DocumentStorage {
  /** Those of the documents that are there. */
  getMany(
    partition: string,
    keys: readonly string[],
    options: { readonly consistency: Consistency; readonly signal?: AbortSignal | undefined },
  ): Promise<ReadonlyMap<string, DocumentRecord>>;
  /** @throws DocumentTooLargeError for a document that does not fit. */
  checkSize(put: DocumentPut): void;
  /**
   * Puts a document, on its condition.
   *
   * @throws UncertainWriteError when it may or may not have been put.
   */
  put(put: DocumentPut, signal?: AbortSignal): Promise<PutOutcome>;
  list(
    partition: string,
    options: {
      readonly prefix?: string | undefined;
      /** Begin behind this key. */
      readonly after?: string | undefined;
      readonly limit?: number | undefined;
      readonly consistency: Consistency;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<DocumentPage>;
  /** Takes documents away for good, whatever they are. At most 25. */
  deleteMany(partition: string, keys: readonly string[], signal?: AbortSignal): Promise<void>;
}

/** All that projections store. The protocols above it are the same for all; only this part does I/O. */
export interface ProjectionStorage {
  readonly control: ControlStorage;
  readonly documents: DocumentStorage;
  /**
   * Makes all or none. The indexes of what was refused count over `control`, `documents` and `writes` in this order.
   *
   * @throws what `put` and the `transact` of a `ControlStorage` throw.
   */
  transact(transaction: ProjectionTransaction, signal?: AbortSignal): Promise<ControlTransactOutcome>;
  /** Creates what is missing; safe to call always. */
  ensureTables(): Promise<void>;
}

interface ProjectionTransaction {
  readonly control: readonly ControlChange[];
  readonly documents?: readonly DocumentPut[] | undefined;
  readonly writes?: readonly TransactWriteItem[] | undefined;
}
