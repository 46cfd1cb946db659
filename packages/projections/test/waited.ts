import type { DocumentProjection, HandlerProjection } from "../src/definition/projection.ts";
import { createDocuments } from "../src/documents/documents.ts";
import { createMemoryProjectionStorage, defineProjection } from "../src/index.ts";
import { waitForProjection } from "../src/wait/wait-for-projection.ts";
import type { EventsToken, Token } from "../src/wait/token.ts";
import type { ReadPlace } from "../src/wait/wait-place.ts";
import { type eventOf, PlacedProjection, scriptedTime } from "./placed-build.ts";

export const NAME = "waited";

interface Given {
  readonly version?: number;
  readonly key?: (event: { readonly data: unknown; readonly position: number }) => string | undefined;
}

export function documentProjection({ version = 1, key }: Given = {}): DocumentProjection<string> {
  return defineProjection({
    name: NAME,
    version,
    types: ["T"],
    categories: ["s"],
    key: key ?? (({ data }) => (data as { readonly key: string }).key),
    initialState: (): string => "",
    evolve: (state) => state,
  });
}

export function handler(): HandlerProjection {
  return defineProjection({ name: NAME, version: 1, types: ["T"], handle: () => undefined });
}

/** The log: version n of every stream is at position 10 n. Counts how often it is asked. */
export function logStore(): {
  asked: number[];
  waitFor: (streamId: string, version: number) => Promise<number>;
} {
  const asked: number[] = [];
  return {
    asked,
    waitFor: async (_, version) => {
      asked.push(version);
      return 10 * version;
    },
  };
}

export interface Wait {
  readonly steps?: readonly ((placed: PlacedProjection) => Promise<void>)[];
  readonly prepare?: (placed: PlacedProjection) => Promise<void>;
  readonly waiting: (place: ReadPlace) => Promise<unknown>;
}

/** What a wait came to, and after how many steps; when steps run out before it resolves it times out. */
export async function waited({
  steps = [],
  prepare,
  waiting,
}: Wait): Promise<{ result: unknown; after: number }> {
  const placed = new PlacedProjection(createMemoryProjectionStorage(), NAME);
  await placed.flip();
  await prepare?.(placed);
  let after = 0;
  const script = steps.map((step) => async () => {
    after += 1;
    await step(placed);
  });
  const { runtime } = scriptedTime(script);
  const result = await waiting({ storage: placed.storage, store: logStore(), runtime }).catch(
    (error: { readonly code?: unknown }) => {
      if (error.code === undefined) throw error;
      return error.code;
    },
  );
  return { result, after };
}

export const inDocument =
  (token: Token, projection: DocumentProjection<string> = documentProjection()): Wait["waiting"] =>
  (place) =>
    createDocuments(projection, place).waitFor("k", token);
export const inProjection =
  (
    token: Token,
    projection: DocumentProjection<string> | HandlerProjection = documentProjection(),
  ): Wait["waiting"] =>
  (place) =>
    waitForProjection(projection, token, place);

export const at = (version: number, events?: readonly ReturnType<typeof eventOf>[]): EventsToken => ({
  streamId: "s|1",
  version,
  events,
});
export const put = (state: string, position: number) => (placed: PlacedProjection) =>
  placed.put("k", state, { position });
export const move = (position: number) => (placed: PlacedProjection) => placed.moveSlot(position);
