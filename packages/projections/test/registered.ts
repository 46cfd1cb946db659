import { type Runtime, SYSTEM_RUNTIME } from "@tuppence/core";
import type { ControlStorage } from "@tuppence/core/leases";
import { LEASE_GROUP } from "../src/builds/names.ts";
import { defineProjection } from "../src/definition/define-projection.ts";
import type {
  DocumentProjection,
  HandlerProjection,
  ReactorProjection,
} from "../src/definition/projection.ts";

/** Small projections of each kind, and their leases, for tests of what is known of projections. */

interface Options {
  readonly name?: string;
  readonly version?: number;
  readonly slots?: number;
  readonly startFrom?: "beginning" | "end";
}

export function documents(options: Options = {}): DocumentProjection<number> {
  return defineProjection({
    name: "doc",
    version: 1,
    ...options,
    key: ({ streamId }) => streamId,
    initialState: () => 0,
    evolve: (count) => count + 1,
  });
}

export function handler(options: Options & Pick<HandlerProjection, "retire"> = {}): HandlerProjection {
  return defineProjection({ name: "handler", version: 1, ...options, handle: () => undefined });
}

export function reactor(options: Options = {}): ReactorProjection {
  return defineProjection({ name: "reactor", version: 1, ...options, react: () => undefined });
}

/** Puts the lease of a slot into a state. */
export async function leaseAt(
  storage: ControlStorage,
  resource: string,
  lease: { readonly position?: string; readonly epoch: number; readonly owner?: string },
): Promise<void> {
  const key = { partition: `LEASE|${LEASE_GROUP}`, sort: resource };
  await storage.update({ key, where: {}, set: { beat: 1, durationMs: 1_000, ...lease } });
}

/** Nothing waits; the clock stands still. */
export function testRuntime(now: number = 1_000): Runtime {
  return { ...SYSTEM_RUNTIME, now: () => now, sleep: async () => undefined };
}
