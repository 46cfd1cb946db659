import { deflateRawSync, inflateRawSync } from "node:zlib";
import { itemSize, type Item } from "../capacity/item-size.ts";
import { writeUnits } from "../capacity/units.ts";
import { findJsonProblem, type JsonValue } from "../json.ts";
import { WRITE_UNIT_BYTES } from "../limits.ts";
import type { Encryption } from "./body-options.ts";
import { decryptText, encryptText } from "./sealed-body.ts";

/** How the state of a fold is kept next to the events that it follows from, so that loading need not read them all. */
export interface SnapshotPolicy<State> {
  /**
   * Names this version of the fold. Snapshots of other versions are ignored, so old and new code can run at once: change
   * it whenever `evolve`, the upcasters of its events or the shape of the state change.
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
const MAX_RIDING_BYTES = 4 * 1024;

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

/** A state on its way into an item. */
export interface SavedState {
  /** Of the fold. */
  readonly version: string;
  /** JSON. */
  readonly text: string;
  /** Whose encrypted data went into it: it is encrypted for all of them, and unreadable once one is forgotten. */
  readonly subjects: readonly string[];
}

/**
 * A state as JSON text.
 *
 * @throws TypeError when it is no plain JSON.
 */
export function saveState<State>(policy: SnapshotPolicy<State>, state: State): string {
  const saved = policy.save ? policy.save(state) : state;
  const problem = findJsonProblem(saved, "state");
  if (problem === undefined) return JSON.stringify(saved);
  throw new TypeError(
    `A state can't be kept as a snapshot. ${problem.path}: ${problem.message}. ` +
      "Give the snapshot `save` and `restore`.",
  );
}

/**
 * A state as it is stored: `y` has the fold's version, `z` the state as JSON text, or as raw deflate of it where that is
 * smaller; for a state that is encrypted, `z` is what the hook gave and `h` has the subjects in their order.
 */
export async function packState(
  { version, text, subjects }: SavedState,
  encryption: Encryption | undefined,
): Promise<Item> {
  if (subjects.length > 0) {
    if (encryption === undefined) throw new TypeError("A state that holds encrypted data is kept encrypted.");
    const h = { L: subjects.map((subject) => ({ S: subject })) };
    return { y: { S: version }, z: { B: await encryptText(encryption, subjects, text) }, h };
  }
  const packed = text.length < MIN_DEFLATED ? undefined : deflateRawSync(text);
  const isSmaller = packed !== undefined && packed.byteLength < Buffer.byteLength(text);
  return { y: { S: version }, z: isSmaller ? { B: packed } : { S: text } };
}

/** Shorter text hardly gets any smaller. */
const MIN_DEFLATED = 128;

/** The state that is stored in an item, if there is one, it is of use, and none of its subjects is forgotten. */
export async function unpackState<State>(
  policy: SnapshotPolicy<State>,
  item: Item,
  encryption: Encryption | undefined,
): Promise<{ readonly state: State; readonly subjects: readonly string[] } | undefined> {
  if (policy.restore === undefined && item["y"]?.S !== policy.version) return undefined;
  const stored = storedState(item);
  if (stored === undefined) return undefined;
  const { version, subjects, body } = stored;
  const sealed = body !== undefined && encryption ? await decryptText(encryption, subjects, body) : undefined;
  const text = body === undefined ? stored.text : sealed;
  if (text === undefined) return undefined;
  const saved = JSON.parse(text) as JsonValue;
  const state = policy.restore ? policy.restore(saved, version) : (saved as State);
  return state === undefined ? undefined : { state, subjects };
}

/** What is stored in an item as a snapshot, whatever fold it is of: its text, or the bytes of one that is encrypted. */
export function storedState(
  item: Item,
): (Omit<SavedState, "text"> & { readonly text?: string; readonly body?: Uint8Array }) | undefined {
  const version = item["y"]?.S;
  const { S: plain, B: packed } = item["z"] ?? {};
  if (version === undefined) return undefined;
  const subjects = (item["h"]?.L ?? []).map((subject) => String(subject.S));
  if (subjects.length > 0) return packed && { version, subjects, body: packed };
  const text = packed === undefined ? plain : inflateRawSync(packed).toString("utf8");
  return text === undefined ? undefined : { version, subjects, text };
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

/** Whether a state of at least so many bytes might ride for free: finding out takes writing, packing or encrypting it. */
export function hasSlack(item: Item, stateBytes: number = MIN_STATE_BYTES): boolean {
  const bytes = itemSize(item);
  return writeUnits(bytes) * WRITE_UNIT_BYTES - bytes >= stateBytes;
}

const MIN_STATE_BYTES = 8;

/** The most that deflate makes of a text, as one part of its length: what is larger than that many times a gap won't fit. */
export const MAX_COMPRESSION = 20;
