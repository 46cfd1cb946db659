/** How a queue and its groups are called where they are stored. */

/** The chain that a queue is, in the table of events. */
export function chainOf(queue: string): string {
  return `$queue|${queue}`;
}

/** The group of leases whose positions are the cursors of a consumer group's lanes. Neither name holds a `|`. */
export function leaseGroupOf(queue: string, group: string): string {
  return `queue|${queue}|${group}`;
}

/** The partition of control items that says which queues there are. */
export const QUEUES = "QUEUES";

/** The partition of control items with what is known of a queue: its groups, where it was trimmed, its producers. */
export function queuePartition(queue: string): string {
  return `QUEUE|${queue}`;
}

/** The partition of control items with why messages of a group were parked, by position. */
export function parkedPartition(queue: string, group: string): string {
  return `PARKED|${queue}|${group}`;
}

/** The partition of control items with what lanes of a group fail at, by lane. */
export function failingPartition(queue: string, group: string): string {
  return `FAILING|${queue}|${group}`;
}

/** In UTF-8, of the name of a queue, a group or a producer. */
const MAX_NAME_BYTES = 255;

/**
 * Checks the name of a queue, a group or a producer.
 *
 * @throws TypeError when it is no text, empty, longer than 255 bytes, or holds a `|` or half of a surrogate pair.
 */
export function checkName(what: string, name: unknown): asserts name is string {
  const isName =
    typeof name === "string" &&
    name !== "" &&
    !/[|\p{Surrogate}]/u.test(name) &&
    Buffer.byteLength(name) <= MAX_NAME_BYTES;
  if (isName) return;
  const shown = typeof name === "string" ? JSON.stringify(name) : String(name);
  throw new TypeError(
    `${shown} is no name for ${what}: a text of 1 to ${MAX_NAME_BYTES} bytes without | is needed.`,
  );
}
