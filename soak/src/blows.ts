import { oneOf, seededRandom } from "./random.ts";
import { LEASE_MS, ROLES, type Role } from "./processes/process-input.ts";

/** What happens to a run, and when, in milliseconds from its beginning. */
export type Blow = { readonly atMs: number } & (
  | { readonly kind: "kill"; readonly name: string }
  | { readonly kind: "freeze"; readonly name: string; readonly forMs: number }
  | { readonly kind: "killDatabase" }
  | OperatorWork
);

/** What somebody does in a terminal while everything goes on. */
export type OperatorWork =
  | { readonly kind: "rebuild"; readonly projection: string }
  | { readonly kind: "reset" }
  | { readonly kind: "changeLanes"; readonly lanes: number };

export interface BlowPlan {
  readonly seed: number;
  readonly durationMs: number;
  /** From one to the next, about, in milliseconds. */
  readonly everyMs: number;
  readonly sizes: Readonly<Record<Role, number>>;
}

/** Of a hundred blows. */
const DATABASE_SHARE = 0.08;
const OPERATOR_SHARE = 0.06;
const FREEZE_SHARE = 0.3;

/** The blows of a run: always the same for the same plan. */
export function planBlows({ seed, durationMs, everyMs, sizes }: BlowPlan): readonly Blow[] {
  const random = seededRandom(seed, "blows");
  const names = ROLES.flatMap((role) =>
    Array.from({ length: sizes[role] }, (_, index) => `${role}-${index}`),
  );
  const blows: Blow[] = [];
  for (let atMs = everyMs; atMs < durationMs; atMs += Math.floor(everyMs * (0.5 + random()))) {
    blows.push({ atMs, ...planBlow(random, names) });
  }
  return blows;
}

type Unplaced<Placed> = Placed extends unknown ? Omit<Placed, "atMs"> : never;

function planBlow(random: () => number, names: readonly string[]): Unplaced<Blow> {
  const kind = random();
  if (kind < DATABASE_SHARE) return { kind: "killDatabase" };
  if (kind < DATABASE_SHARE + OPERATOR_SHARE) {
    const projection = oneOf(random, ["balances", "flows", "ledger"]);
    const lanes = oneOf(random, [1, 2, 3, 4]);
    return oneOf(random, [
      { kind: "rebuild", projection },
      { kind: "reset" },
      { kind: "changeLanes", lanes },
    ] as const);
  }
  const name = oneOf(random, names);
  if (random() >= FREEZE_SHARE) return { kind: "kill", name };
  // Longer than others wait for it.
  return { kind: "freeze", name, forMs: Math.floor(LEASE_MS * (1.3 + random())) };
}
