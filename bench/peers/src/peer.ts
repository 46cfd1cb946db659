import type { CreateTableCommandInput, DynamoDB } from "@aws-sdk/client-dynamodb";
import type { OrderEvent } from "@tuppence/bench/order-events";

/** One side of the comparison: a store, set up as its own documentation has it. */
export interface Peer {
  /** What it is called in the JSON. */
  readonly name: string;
  /** What it is called in tables. */
  readonly label: string;
  /** Whether it is ours. */
  readonly ours?: boolean | undefined;
  /** The npm package whose version is told; absent where there is none. */
  readonly npmPackage?: string | undefined;
  readonly tables: readonly CreateTableCommandInput[];
  /** Why several events can't be appended at once; absent where they can. */
  readonly noBatches?: string | undefined;
  /** Why a stream can't be loaded; absent where it can. */
  readonly noLoads?: string | undefined;
  /**
   * Opens the store. The client has a method for each command, which one peer calls; the others `send` commands. The
   * bucket is the endpoint of one, for the peer that has large bodies there.
   */
  readonly open: (client: DynamoDB, bucket: string) => PeerStore;
}

export interface PeerStore {
  /** Appends after `version`, which the caller knows (0: a new stream), and returns the version after that. */
  readonly append: (stream: string, events: readonly OrderEvent[], version: number) => Promise<number>;
  /** Reads all of a stream and folds it. */
  readonly load?: ((stream: string) => Promise<Totals>) | undefined;
  /** A writer that shares streams with others, as a process of its own would: it decides again after each conflict. */
  readonly openWriter: () => Writer;
  /** Ways to append one event to a stream of 3 where 501 would be, for those who can say so. */
  readonly appendsBeyond: readonly AppendBeyond[];
  /** What is stored of a stream, in its order. */
  readonly stored: (stream: string) => Promise<readonly StoredOrder[]>;
}

export type Writer = (stream: string, event: OrderEvent) => Promise<void>;

export interface AppendBeyond {
  readonly how: string;
  readonly append: (stream: string, event: OrderEvent) => Promise<unknown>;
}

/** The version of a stream that has 3 events, at which an append beyond its end pretends to find it. */
export const VERSION_BEYOND = 500;

export interface StoredOrder {
  /** From 1. */
  readonly number: number;
  readonly orderId: string;
}

/** What a load comes to, to see that all sides come to the same. */
export interface Totals {
  readonly orders: number;
  readonly cents: number;
}

export const NO_ORDERS: Totals = { orders: 0, cents: 0 };

export function addOrder({ orders, cents }: Totals, order: OrderEvent["data"]): Totals {
  return { orders: orders + 1, cents: cents + order.totalCents };
}
