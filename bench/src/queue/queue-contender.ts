import type { Capacity } from "@tuppence/core";
import type { Servers } from "../servers.ts";
import type { QueueMessage } from "./queue-messages.ts";

/** One of the queues that are measured beside each other. */
export interface QueueContender {
  /** Its key in the JSON. */
  readonly name: string;
  /** What tables call it. */
  readonly label: string;
  /** What it promises, for people: order, positions, groups, durability. */
  readonly facts: Readonly<Record<string, string>>;
  /** What it is measured in. Default: everything. */
  readonly partsMeasured?: readonly QueuePart[];
  /** Whether several processes can share a group's messages. Default: yes. */
  readonly sharesGroups?: boolean;
  /** Makes an empty queue whose messages each of these groups gets. */
  readonly setUp: (servers: Servers, groups: readonly string[]) => Promise<QueuePlace>;
  /** Opens it, in this process or another. */
  readonly open: (place: string, options?: OpenQueueOptions) => Promise<OpenQueue>;
}

export type QueuePart = "enqueue" | "consume" | "delay" | "crashes";

/** An empty queue, which may go when it is disposed of. */
export interface QueuePlace extends AsyncDisposable {
  /** For `open`. */
  readonly place: string;
}

export interface OpenQueueOptions {
  /** Called after each reply of the store, before the queue goes on: here writers are killed. */
  readonly onReply?: (() => void) | undefined;
  /** Counts requests and units, which costs CPU time. Default: no. */
  readonly metered?: boolean | undefined;
}

export interface OpenQueue extends AsyncDisposable {
  /** Enqueues them with one call of the queue's; resolves once it has acknowledged them all. */
  readonly enqueue: (messages: readonly QueueMessage[]) => Promise<void>;
  /** Consumes until the signal is aborted, from where the group has come to. */
  readonly consume: (options: ConsumeOptions) => Promise<void>;
  /** Since it was opened; nothing where it was not opened `metered`, or where there are no such units. */
  readonly consumed: () => Capacity | undefined;
  /** All that is stored for the first group, for an audit; in any order. */
  readonly stored: () => Promise<readonly StoredMessage[]>;
}

export interface ConsumeOptions {
  readonly group: string;
  /** How many processes share the group's messages, this one included. */
  readonly members: number;
  readonly signal: AbortSignal;
  /** A handler that does nothing but be told: it begins now. */
  readonly onMessage: (message: QueueMessage) => void;
}

export interface StoredMessage {
  readonly id: string;
  /** From 1; nothing in queues without positions. */
  readonly position?: number;
}
