import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore, type EventStore, type NewEvent } from "@tuppence/core";
import type { DocumentProjection } from "../src/definition/projection.ts";
import { defineProjection } from "../src/definition/define-projection.ts";
import {
  createGuardedInlineProjections,
  type InlineProjections,
} from "../src/inline/create-inline-projections.ts";
import { INLINE_GUARDS, type InlineGuards } from "../src/inline/inline-context.ts";

/** What a journal holds: its events as `stream@version`, in the order in which they came. */
export type Journal = readonly string[];

/** A projection whose documents say exactly what went into them. Events name their documents in `data.to`. */
export function journals(category: string, options: { version?: number; types?: string[] } = {}) {
  const { version = 1, types } = options;
  return defineProjection({
    name: `journal-${category}`,
    version,
    types,
    categories: [category],
    key: ({ data }) => (data as { to: string | string[] }).to,
    initialState: (): Journal => [],
    evolve: (state, event) => [...state, `${event.streamId}@${event.version}`],
  });
}

export function entry(...to: readonly string[]): NewEvent {
  return { type: "Entered", data: { to } };
}

export function entries(count: number, to: string): NewEvent[] {
  return Array.from({ length: count }, () => entry(to));
}

/** Inline projections of a process of its own: it knows nothing of where streams end. */
export function openInline(
  client: DynamoDBClient,
  projections: readonly DocumentProjection[],
  options: { guards?: Partial<InlineGuards>; maxAttempts?: number; store?: EventStore } = {},
): InlineProjections {
  const { guards, maxAttempts, store = createEventStore({ client }) } = options;
  return createGuardedInlineProjections(
    { store, client, projections, maxAttempts },
    { ...INLINE_GUARDS, ...guards },
  );
}

/** What is wrong with a journal that should hold all events of some streams: nothing, if each is there once, in its stream's order. */
export function wrongIn(journal: Journal | undefined, ends: ReadonlyMap<string, number>): string[] {
  const next = new Map([...ends.keys()].map((streamId) => [streamId, 1]));
  const wrong: string[] = [];
  for (const each of journal ?? []) {
    const [streamId = "", version] = each.split("@");
    if (Number(version) !== next.get(streamId)) wrong.push(`${each} instead of ${next.get(streamId)}`);
    next.set(streamId, Number(version) + 1);
  }
  for (const [streamId, end] of ends) {
    if (next.get(streamId) !== end + 1)
      wrong.push(`${streamId} ends before ${next.get(streamId)}, not ${end + 1}`);
  }
  return wrong;
}
