import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { AlsoWrite, Item } from "@tuppence/core";
import type { DocumentProjection } from "../definition/projection.ts";

/**
 * Up to which version the documents of a projection hold a stream, all of its documents together. It is kept in one item for each
 * stream and changes in the very transactions that change documents, on the condition of where it was. So by induction from 0:
 * exactly the events up to it are in the documents, each of them once.
 *
 * ```
 * p            S  INLINE|stream     s  S  held
 * name@version N  the version that the documents of this projection hold; absent = 0
 * ```
 */

/** A stream that moves on in the documents of a projection. */
export interface HeldMove {
  /** As `inlineName` says. */
  readonly projection: string;
  readonly from: number;
  readonly to: number;
}

/** An inline projection and its version: each version has documents of its own. */
export function inlineName({ name, version }: Pick<DocumentProjection, "name" | "version">): string {
  return `${name}@${version}`;
}

/** The partition of an inline projection's documents. No build of a projection has such a number. */
export function inlinePartition({ name, version }: Pick<DocumentProjection, "name" | "version">): string {
  return `${name}@inline-${version}`;
}

export function heldKey(streamId: string): Record<string, AttributeValue> {
  return { p: { S: `INLINE|${streamId}` }, s: { S: "held" } };
}

/** The stream whose item this is; undefined: it is a document. */
export function heldStream({ p }: Item): string | undefined {
  return p?.S?.startsWith("INLINE|") ? p.S.slice("INLINE|".length) : undefined;
}

export function heldVersion(item: Item | undefined, projection: string): number {
  return Number(item?.[projection]?.N ?? 0);
}

/** The moves of a stream as one write, refused unless all are where they were. */
export function moveHeld(
  { tableName, streamId }: { readonly tableName: string; readonly streamId: string },
  moves: readonly HeldMove[],
  isConditional: boolean,
): AlsoWrite {
  const names: Record<string, string> = {};
  const values: Record<string, AttributeValue> = {};
  const conditions: string[] = [];
  for (const [index, { projection, from, to }] of moves.entries()) {
    names[`#${index}`] = projection;
    values[`:to${index}`] = { N: String(to) };
    if (from > 0 && isConditional) values[`:from${index}`] = { N: String(from) };
    conditions.push(from === 0 ? `attribute_not_exists(#${index})` : `#${index} = :from${index}`);
  }
  return {
    Update: {
      TableName: tableName,
      Key: heldKey(streamId),
      UpdateExpression: `SET ${moves.map((_, index) => `#${index} = :to${index}`).join(", ")}`,
      ConditionExpression: isConditional ? conditions.join(" AND ") : undefined,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
    },
  };
}

/** A write that is refused for certain, where an item is known to be. */
export function refuseAlways({
  tableName,
  streamId,
}: {
  readonly tableName: string;
  readonly streamId: string;
}): AlsoWrite {
  const ConditionExpression = "attribute_not_exists(p)";
  return { ConditionCheck: { TableName: tableName, Key: heldKey(streamId), ConditionExpression } };
}
