import { deflateRawSync, inflateRawSync } from "node:zlib";
import { itemSize, type Item } from "../capacity/item-size.ts";
import { writeUnits } from "../capacity/units.ts";
import { findJsonProblem, type JsonValue } from "../json.ts";
import { WRITE_UNIT_BYTES } from "../limits.ts";

/** How the state of a fold is kept next to the events that it follows from, so that loading need not read them all. */
export interface SnapshotPolicy<State> {
  /**
   * Names this version of the fold. Snapshots of other versions are ignored, so old and new code can run at once: change
   * it whenever `evolve` or the shape of the state changes.
   */
  readonly version: string;
  /**
   * Take a snapshot at the latest after so many events, at the price of its size. Default: only where one fits into what an
   * append pays for anyway.
   */
  readonly every?: number | undefined;
  /** The state as plain JSON. Default: it is. */
  readonly save?: ((state: State) => JsonValue) | undefined;
  /**
   * The state again, or undefined when the snapshot is of no use. It is also asked about other versions than the fold's
   * own, so that one can be migrated; what it gives for its own has to be what was saved. Default: as it was saved, and
   * nothing of other versions.
   */
  readonly restore?: ((saved: JsonValue, version: string) => State | undefined) | undefined;
}

/** A state larger than this does not ride in commits, which are kept for ever; it is kept once, after them. In bytes. */
export const MAX_RIDING_BYTES: number = 4 * 1024;

/** @throws TypeError, RangeError for a policy that is none. */
export function checkSnapshotPolicy<State>({ version, every }: SnapshotPolicy<State>): void {
  if (typeof version !== "string" || version === "") {
    throw new TypeError(
      `A snapshot's version is ${JSON.stringify(version)}; it has to be a text that is not empty.`,
    );
  }
  if (every !== undefined && !(Number.isSafeInteger(every) && every >= 1)) {
    throw new RangeError(
      `A snapshot is taken every ${String(every)} events; it has to be a whole number from 1.`,
    );
  }
}

/**
 * A state as it is stored: attribute `y` has the fold's version, `z` the state as JSON text, or as raw deflate of it
 * where that is smaller.
 *
 * @throws TypeError when the state is no plain JSON.
 */
export function packState<State>(policy: SnapshotPolicy<State>, state: State): Item {
  const saved = policy.save ? policy.save(state) : state;
  const problem = findJsonProblem(saved, "state");
  if (problem !== undefined) {
    throw new TypeError(
      `A state can't be kept as a snapshot. ${problem.path}: ${problem.message}. ` +
        "Give the snapshot `save` and `restore`.",
    );
  }
  const text = JSON.stringify(saved);
  const packed = text.length < MIN_DEFLATED ? undefined : deflateRawSync(text);
  const isSmaller = packed !== undefined && packed.byteLength < Buffer.byteLength(text);
  return { y: { S: policy.version }, z: isSmaller ? { B: packed } : { S: text } };
}

/** Shorter text hardly gets any smaller. */
const MIN_DEFLATED = 128;

/** The state that is stored in an item, if there is one and it is of use. */
export function unpackState<State>(
  policy: SnapshotPolicy<State>,
  item: Item,
): { readonly state: State } | undefined {
  if (policy.restore === undefined && item["y"]?.S !== policy.version) return undefined;
  const stored = storedState(item);
  if (stored === undefined) return undefined;
  const { version, saved } = stored;
  const state = policy.restore ? policy.restore(saved, version) : (saved as State);
  return state === undefined ? undefined : { state };
}

/** What is stored in an item as a snapshot, whatever fold it is of. */
export function storedState(item: Item): { readonly version: string; readonly saved: JsonValue } | undefined {
  const version = item["y"]?.S;
  const { S: plain, B: packed } = item["z"] ?? {};
  const text = packed === undefined ? plain : inflateRawSync(packed).toString("utf8");
  return version === undefined || text === undefined
    ? undefined
    : { version, saved: JSON.parse(text) as JsonValue };
}

/** Where the state after a commit goes: into the commit, into an item of its own, or nowhere. */
export function placeState(snapshot: {
  readonly state: Item;
  /** The last item of the commit as it is without the state. */
  readonly item: Item;
  /** Whether a snapshot is wanted even if it costs something. */
  readonly due: boolean;
  readonly maxItemBytes: number;
}): "riding" | "apart" | "nowhere" {
  const { state, item, due, maxItemBytes } = snapshot;
  const bytes = itemSize(item);
  const riding = bytes + itemSize(state);
  if (riding <= maxItemBytes) {
    if (writeUnits(riding) === writeUnits(bytes)) return "riding";
    if (due && itemSize(state) <= MAX_RIDING_BYTES) return "riding";
  }
  return due && itemSize(state) + APART_BYTES <= maxItemBytes ? "apart" : "nowhere";
}

/** Around a state in an item of its own: keys, version and time, at their largest. */
const APART_BYTES = 1_200;

/** Whether a state might ride for free at all: finding out means writing it as text. */
export function hasSlack(item: Item): boolean {
  const bytes = itemSize(item);
  return writeUnits(bytes) * WRITE_UNIT_BYTES - bytes >= MIN_STATE_BYTES;
}

const MIN_STATE_BYTES = 8;
