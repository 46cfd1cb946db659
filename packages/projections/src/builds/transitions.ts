import { ProjectionChangedError } from "../errors.ts";
import type { Projection } from "../definition/projection.ts";
import type { Build, Registration } from "./registration.ts";

/**
 * What may become of a registration. Builds are numbered for ever, so that nothing which was given up comes back; at every moment one
 * of them is live. Each function answers undefined where there is nothing to change.
 */

export interface Transition {
  readonly to: Registration;
  /** Builds that are not needed any more. */
  readonly retired: readonly Build[];
  /** The build that stops being live: its slots are taken from their owners. */
  readonly fenced: Build | undefined;
}

/**
 * Somebody has this definition and wants to run it.
 *
 * @throws ProjectionChangedError
 */
export function register(
  before: Registration | undefined,
  { name, kind, version, slots }: Projection,
  startPosition: number,
): Transition | undefined {
  if (before === undefined) return firstRegistration({ name, kind, version, slots, startPosition });
  const { live, next } = before;
  const stored = [live, next].find((build) => build?.version === version);
  checkChanges(before, { kind, slots, stored });
  const latest = Math.max(live.version, next?.version ?? 0);
  if (stored !== undefined || version < latest) return undefined;
  // Side effects are not repeated for a new version: its position is where the old one's was.
  if (kind === "reactor") return change(before, { live: { ...live, version } });
  return change({ ...before, kind }, begin(before, { version, slots }), { retired: [next] });
}

function firstRegistration(
  projection: Pick<Projection, "name" | "kind" | "version" | "slots"> & { readonly startPosition: number },
): Transition {
  const { name, kind, version, slots, startPosition } = projection;
  const live = { number: 1, version, slots };
  const none = { next: undefined, nextRate: undefined, paused: false };
  return {
    to: { name, kind, live, ...none, startPosition, builds: 1, revision: 1 },
    retired: [],
    fenced: undefined,
  };
}

function checkChanges(
  before: Registration,
  defined: {
    readonly kind: Projection["kind"];
    readonly slots: number;
    readonly stored: Build | undefined;
  },
): void {
  const { name, kind, live, next } = before;
  const { stored } = defined;
  const isReactor = defined.kind === "reactor";
  if (isReactor !== (kind === "reactor")) {
    const difference = `is defined as a ${defined.kind} and stored as a ${kind}`;
    throw new ProjectionChangedError(name, difference, "another name");
  }
  // The kind is that of the latest version.
  const isLatest = stored?.version === (next ?? live).version;
  if (isLatest && kind !== defined.kind) {
    throw new ProjectionChangedError(name, `is defined as a ${defined.kind} and stored as a ${kind}`);
  }
  const same = stored ?? (isReactor ? live : undefined);
  if (same !== undefined && same.slots !== defined.slots) {
    const difference = `is defined with ${defined.slots} slots and stored with ${same.slots}`;
    throw new ProjectionChangedError(name, difference, isReactor ? "another name" : undefined);
  }
}

/** A new build beside the live one; one that is under way goes on, and takes the rate if one is given. */
export function startRebuild(before: Registration, nextRate: number | undefined): Transition | undefined {
  checkIsNoReactor(before);
  const { live, next } = before;
  if (next === undefined) return change(before, { ...begin(before, live), nextRate });
  return nextRate === undefined || nextRate === before.nextRate ? undefined : change(before, { nextRate });
}

function checkIsNoReactor({ name, kind }: Registration): void {
  if (kind !== "reactor") return;
  throw new TypeError(
    `Projection ${JSON.stringify(name)} is a reactor, and has nothing to rebuild: reset repeats its effects.`,
  );
}

/** The build beside the live one is given up. */
export function cancelRebuild(before: Registration): Transition | undefined {
  const { next } = before;
  return next && change(before, { next: undefined, nextRate: undefined }, { retired: [next] });
}

/** The build beside the live one takes its place: to be stored only while it is as far. */
export function flip(before: Registration, build: number): Transition | undefined {
  const { live, next } = before;
  if (next?.number !== build) return undefined;
  return change(
    before,
    { live: next, next: undefined, nextRate: undefined },
    { retired: [live], fenced: live },
  );
}

/** A new build is live at once, however little it holds. */
export function reset(before: Registration): Transition {
  const { live, next } = before;
  const begun = begin(before, live);
  const to = { ...begun, live: begun.next, next: undefined };
  return change(before, to, { retired: [live, next], fenced: live });
}

export function setPaused(before: Registration, paused: boolean): Transition | undefined {
  return before.paused === paused ? undefined : change(before, { paused });
}

function begin(
  { builds }: Registration,
  { version, slots }: Pick<Build, "version" | "slots">,
): { readonly next: Build; readonly builds: number; readonly nextRate: undefined } {
  const number = builds + 1;
  return { next: { number, version, slots }, builds: number, nextRate: undefined };
}

function change(
  before: Registration,
  changes: Partial<Registration>,
  builds: { readonly retired?: readonly (Build | undefined)[]; readonly fenced?: Build } = {},
): Transition {
  const { retired = [], fenced } = builds;
  return {
    to: { ...before, ...changes, revision: before.revision + 1 },
    retired: retired.filter((build) => build !== undefined),
    fenced,
  };
}
