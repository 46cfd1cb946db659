/** How what belongs to a projection is named where it is stored. A name of a projection has neither `@` nor `#` nor `|`. */

/** All projections that were ever run: one item each, by name. */
export const REGISTRATIONS = "PROJECTIONS";

/** Builds that are not needed any more, and not taken away yet: one item each. */
export const RETIRED = "RETIRED";

/** The group of the leases of all projections' slots. */
export const LEASE_GROUP = "projections";

/** A build of a projection: everything that belongs to it goes by this name, and nothing else does. */
export function buildName(projection: string, build: number): string {
  return `${projection}@${build}`;
}

/** The lease of a slot; its position is the slot's. */
export function slotResource(projection: string, build: number, slot: number): string {
  return `${buildName(projection, build)}#${slot}`;
}

/** The partition of a slot's documents. */
export function documentsOf(projection: string, build: number, slot: number): string {
  return `${buildName(projection, build)}|${slot}`;
}

/** The partition of a slot's parked events: one item each, by position. */
export function parkedOf(projection: string, build: number, slot: number): string {
  return `PARKED|${slotResource(projection, build, slot)}`;
}

/** The partition of what the slots of a build tell of themselves: one item each. */
export function reportsOf(projection: string, build: number): string {
  return `REPORTS|${buildName(projection, build)}`;
}

/** The slot that a key or a stream belongs to (FNV-1a, over UTF-16): the same in every process, and for ever. */
export function slotOf(text: string, slots: number): number {
  if (slots === 1) return 0;
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  // The low bits of FNV are its weakest.
  return ((hash ^ (hash >>> 15)) >>> 0) % slots;
}
