import { createMemoryEventStore } from "@tuppence/core/memory";
import { expect, it } from "vitest";
import { capturePrinted, expectAllShown } from "../shown.ts";
//#region convert
import { commitIdFrom, type JsonValue, type TransferredCommit } from "@tuppence/core";

/** A row of Emmett's table `emt_messages`. */
interface EmmettRow {
  readonly stream_id: string;
  readonly stream_position: string | bigint; // from 1
  readonly message_type: string;
  readonly message_data: JsonValue;
  readonly message_metadata: Readonly<Record<string, JsonValue>>;
  readonly message_id: string;
  readonly created: Date;
}

export const EMMETT_ROWS = `
  SELECT stream_id, stream_position, message_type, message_data, message_metadata, message_id, created
  FROM emt_messages WHERE message_kind = 'E' AND NOT is_archived
  ORDER BY stream_id, stream_position`;

export async function* commitsOfEmmett(
  rows: AsyncIterable<EmmettRow> | Iterable<EmmettRow>,
): AsyncGenerator<TransferredCommit> {
  for await (const row of rows) {
    const [category = "", ...id] = row.stream_id.split("-"); // "shopping_cart-123"
    yield {
      streamId: `${category}|${id.join("-")}`,
      firstVersion: Number(row.stream_position),
      commitId: commitIdFrom(row.message_id), // an import can be repeated
      recordedAt: row.created.toISOString(),
      metadata: { ...row.message_metadata, messageId: row.message_id },
      events: [{ type: row.message_type, data: row.message_data }],
    };
  }
}
//#endregion convert

/** What `@event-driven-io/emmett-postgresql` 0.42.0 had stored, as the query above gives it. */
const rows: readonly EmmettRow[] = [
  {
    stream_id: "shopping_cart-123",
    stream_position: 1n,
    message_type: "ProductItemAdded",
    message_data: { price: 100, quantity: 2, productId: "shoes" },
    message_metadata: { correlationId: "request-1" },
    message_id: "2dacf898-3566-486b-b7e8-9b94db9cb8e7",
    created: new Date("2026-11-30T16:05:23.350Z"),
  },
  {
    stream_id: "shopping_cart-123",
    stream_position: 2n,
    message_type: "ProductItemAdded",
    message_data: { price: 5, quantity: 1, productId: "socks" },
    message_metadata: {},
    message_id: "df509ba3-5891-4c05-bd3f-a361d732ce66",
    created: new Date("2026-11-30T16:05:23.350Z"),
  },
  {
    stream_id: "shopping_cart-123",
    stream_position: 3n,
    message_type: "ShoppingCartConfirmed",
    message_data: { confirmedAt: "2026-01-02T03:04:05.678Z" },
    message_metadata: {},
    message_id: "71b243cb-2d51-4794-9e70-23ae96124a1e",
    created: new Date("2026-11-30T16:05:23.359Z"),
  },
];

it("keeps versions, ids, times and metadata", async () => {
  const printed = capturePrinted();
  const store = createMemoryEventStore();
  //#region import
  const result = await store.importCommits(commitsOfEmmett(rows));
  console.log(result.events, "events,", result.duplicates, "there already");

  for await (const { version, type, metadata } of store.read("shopping_cart|123")) {
    console.log(version, type, metadata["messageId"], metadata.correlationId ?? "-");
  }
  //#endregion import
  expect((await store.importCommits(commitsOfEmmett(rows))).duplicates).toBe(3);
  await expectAllShown("how-to/move-from-emmett.md", printed, { import: 4 });
});

//#region decider
import type { Decider, NewEvent } from "@tuppence/core";

type CartEvent =
  | NewEvent<"ProductItemAdded", { productId: string; quantity: number; price: number }>
  | NewEvent<"ShoppingCartConfirmed", { confirmedAt: string }>;
type Cart = { status: "open" | "confirmed"; total: number };
type ConfirmCart = { type: "ConfirmShoppingCart"; now: string };

const initialState = (): Cart => ({ status: "open", total: 0 });

function evolve(cart: Cart, { type, data }: CartEvent): Cart {
  if (type === "ShoppingCartConfirmed") return { ...cart, status: "confirmed" };
  return { ...cart, total: cart.total + data.price * data.quantity };
}

function decide({ now }: ConfirmCart, { status }: Cart): CartEvent[] {
  return status === "confirmed" ? [] : [{ type: "ShoppingCartConfirmed", data: { confirmedAt: now } }];
}

export const cart: Decider<ConfirmCart, Cart, CartEvent> = { initialState, evolve, decide };
//#endregion decider

it("takes an Emmett decider as it is", () => {
  const confirm = { type: "ConfirmShoppingCart", now: "2026-01-02T03:04:05.678Z" } as const;
  expect(cart.decide(confirm, cart.initialState())).toHaveLength(1);
});
