import { TuppenceError } from "@tuppence/core";

/** Too many messages of this process wait to be written: the table is slower than they come. None of the call was enqueued. */
export class QueueFullError extends TuppenceError {
  readonly code = "queueFull";
  readonly retryable = true;
  readonly queue: string;
  /** Messages that waited. */
  readonly waiting: number;
  readonly maxWaiting: number;

  constructor(full: { readonly queue: string; readonly waiting: number; readonly maxWaiting: number }) {
    const { queue, waiting, maxWaiting } = full;
    super(`Queue ${JSON.stringify(queue)}: ${waiting} messages wait to be written; ${maxWaiting} may.`);
    this.queue = queue;
    this.waiting = waiting;
    this.maxWaiting = maxWaiting;
  }
}

/** The messages of a call do not fit into one item of DynamoDB. Nothing was sent. */
export class MessageTooLargeError extends TuppenceError {
  readonly code = "messageTooLarge";
  readonly retryable = false;
  readonly queue: string;
  /** Bytes needed, after compression. */
  readonly size: number;
  readonly limit: number;
  /** Which message of the call it is, from 0; undefined when it is only all of them together: enqueue them in several calls. */
  readonly index: number | undefined;

  constructor(tooLarge: {
    readonly queue: string;
    readonly size: number;
    readonly limit: number;
    readonly index?: number | undefined;
  }) {
    const { queue, size, limit, index } = tooLarge;
    const what = index === undefined ? "The messages of one call together take" : `Message ${index} takes`;
    super(`Queue ${JSON.stringify(queue)}: ${what.toLowerCase()} ${size} bytes; an item has ${limit}.`);
    this.queue = queue;
    this.size = size;
    this.limit = limit;
    this.index = index;
  }
}

/** One thing that is wrong with a message. */
export interface MessageIssue {
  /** Where, from the message down: `body.items[2].price`. */
  readonly path: string;
  readonly message: string;
}

/** A message does not match the queue's schema, or holds what JSON can't keep. Nothing of the call was sent. */
export class InvalidMessageError extends TuppenceError {
  readonly code = "invalidMessage";
  readonly retryable = false;
  readonly queue: string;
  /** Which message of the call, from 0. */
  readonly index: number;
  readonly issues: readonly MessageIssue[];

  constructor(invalid: {
    readonly queue: string;
    readonly index: number;
    readonly issues: readonly [MessageIssue, ...MessageIssue[]];
  }) {
    const { queue, index, issues } = invalid;
    const list = issues.map(({ path, message }) => `${path}: ${message}`).join("; ");
    super(`Message ${index} can't be enqueued in queue ${JSON.stringify(queue)}. ${list}`);
    this.queue = queue;
    this.index = index;
    this.issues = issues;
  }
}

/** A producer's messages before these were not enqueued: the call would leave a gap. Nothing of it was enqueued. */
export class ProducerSequenceError extends TuppenceError {
  readonly code = "producerSequence";
  readonly retryable = false;
  readonly queue: string;
  readonly producer: string;
  /** The sequence that was given. */
  readonly sequence: number;
  /** The one that comes next. */
  readonly expected: number;

  constructor(gap: {
    readonly queue: string;
    readonly producer: string;
    readonly sequence: number;
    readonly expected: number;
  }) {
    const { queue, producer, sequence, expected } = gap;
    super(
      `Queue ${JSON.stringify(queue)}: message ${sequence} of producer ${JSON.stringify(producer)} came; ${expected} is next.`,
    );
    this.queue = queue;
    this.producer = producer;
    this.sequence = sequence;
    this.expected = expected;
  }
}

/**
 * The table is replicated to other Regions with eventual consistency (MREC), and the queue may not be used from this one: writers in
 * two Regions would take the same positions, and one of them would lose its messages.
 */
export class QueueRegionError extends TuppenceError {
  readonly code = "queueRegion";
  readonly retryable = false;
  readonly queue: string;
  readonly tableName: string;
  /** Where this client is. */
  readonly region: string;
  readonly homeRegion: string | undefined;
  /** The Regions that have a replica, as far as the table says. */
  readonly regions: readonly string[];

  constructor(refused: {
    readonly queue: string;
    readonly tableName: string;
    readonly region: string;
    readonly homeRegion: string | undefined;
    readonly regions: readonly string[];
  }) {
    const { queue, tableName, region, homeRegion, regions } = refused;
    const home = homeRegion === undefined ? "no `homeRegion` is given" : `its home is ${homeRegion}`;
    super(
      `Queue ${JSON.stringify(queue)} can't be used from ${region}: table ${JSON.stringify(tableName)} is an eventually ` +
        `consistent global table (${regions.join(", ")}), and ${home}.`,
    );
    this.queue = queue;
    this.tableName = tableName;
    this.region = region;
    this.homeRegion = homeRegion;
    this.regions = regions;
  }
}

/** Messages that are needed were trimmed: those below `firstPosition` are gone. */
export class QueueTrimmedError extends TuppenceError {
  readonly code = "queueTrimmed";
  readonly retryable = false;
  readonly queue: string;
  /** The position that was to be read, or the last that was trimmed of those a `messageId` was to be looked for in. */
  readonly position: number;
  /** The first position that was kept, when this was seen. */
  readonly firstPosition: number;

  constructor(trimmed: {
    readonly queue: string;
    readonly position: number;
    readonly firstPosition: number;
  }) {
    const { queue, position, firstPosition } = trimmed;
    super(
      `Queue ${JSON.stringify(queue)} was trimmed: position ${position} is gone, ${firstPosition} is the first.`,
    );
    this.queue = queue;
    this.position = position;
    this.firstPosition = firstPosition;
  }
}
