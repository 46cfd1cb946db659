import type { EventDefinitions, LoggedEvent } from "@tuppence/core";
import { type DocumentOptions, type DocumentProjection, defineProjection } from "@tuppence/projections";
import { ALL_KEY } from "./live-delays.ts";

/** A read model of some permits: how many tasks there were, and which was the last. */
export interface PermitDocument {
  readonly tasks: number;
  readonly last: string;
  readonly lastStream: string;
  readonly lastPosition: number;
}

/** Into how many documents the events go. */
export type DocumentSpread = "one" | "hundred" | "case" | "event";

/** The document that an event goes into. */
export function documentKey(spread: DocumentSpread, { streamId, position }: LoggedEvent): string {
  switch (spread) {
    case "one":
      return ALL_KEY;
    case "hundred":
      return `bucket-${bucketOf(streamId)}`;
    case "case":
      return streamId;
    case "event":
      return `event-${position}`;
  }
}

export function evolvePermit({ tasks }: Pick<PermitDocument, "tasks">, event: LoggedEvent): PermitDocument {
  const { type, streamId, position } = event;
  return { tasks: tasks + 1, last: type, lastStream: streamId, lastPosition: position };
}

/** The projection that keeps such documents; of two spreads, both. */
export function permitProjection(
  name: string,
  spreads: readonly DocumentSpread[],
  options: Pick<DocumentOptions<EventDefinitions, string, PermitDocument>, "mode"> = {},
): DocumentProjection<PermitDocument> {
  return defineProjection({
    name,
    version: 1,
    key: (event: LoggedEvent) => spreads.map((spread) => documentKey(spread, event)),
    initialState: (): PermitDocument => ({ tasks: 0, last: "", lastStream: "", lastPosition: 0 }),
    evolve: evolvePermit,
    ...options,
  });
}

/** The number in the case's name, one of a hundred. */
function bucketOf(streamId: string): number {
  const digits = /(\d+)-(\d+)$/.exec(streamId);
  return (Number(digits?.[1]) + Number(digits?.[2])) % 100;
}
