import { defineProjection, type HandlerProjection, type ProjectedEvent } from "@tuppence/projections";
import type { Database, Queries } from "./database.ts";
import { createPositions, deletePositions, loadPosition, movePosition } from "./positions.ts";
import { shopEvents } from "./shop-events.ts";

type SalesEvent = ProjectedEvent<typeof shopEvents, "OrderPlaced" | "OrderCancelled">;

/** What a customer has ordered. */
export interface CustomerSales {
  readonly customer: string;
  readonly orders: number;
  readonly cents: number;
}

/**
 * What each customer has ordered, in a table of its own for each build. Sums are added to, so an event that came twice would count
 * twice: the position moves in the same transaction.
 */
export function defineCustomerSales(
  db: Database,
  move: typeof movePosition = movePosition,
): HandlerProjection {
  return defineProjection({
    name: "customer-sales",
    version: 1,
    events: shopEvents,
    types: ["OrderPlaced", "OrderCancelled"],

    // Several slots may begin at once, and CREATE TABLE IF NOT EXISTS alone is not safe then.
    prepare: ({ build }) =>
      db.transaction(async (tx) => {
        await tx.query("SELECT pg_advisory_xact_lock(hashtext('customer-sales'))");
        await createPositions(tx);
        await tx.query(`CREATE TABLE IF NOT EXISTS ${tableOf(build)} (
          customer text PRIMARY KEY, orders integer NOT NULL, cents bigint NOT NULL
        )`);
      }),

    handle: (events, step) =>
      db.transaction(async (tx) => {
        await move(tx, step);
        await addSales(tx, { build: step.build, events });
      }),

    loadPosition: (slot) => loadPosition(db, slot),

    retire: (build) =>
      db.transaction(async (tx) => {
        await tx.query(`DROP TABLE IF EXISTS ${tableOf(build.build)}`);
        await deletePositions(tx, build);
      }),
  });
}

/** The customers of a build, those that spent most first. */
export async function topCustomers(db: Queries, build: number): Promise<readonly CustomerSales[]> {
  const { rows } = await db.query(
    `SELECT customer, orders, cents FROM ${tableOf(build)} ORDER BY cents DESC, customer`,
  );
  return rows.map(({ customer, orders, cents }) => ({
    customer: String(customer),
    orders: Number(orders),
    cents: Number(cents),
  }));
}

function tableOf(build: number): string {
  return `customer_sales_${build}`;
}

async function addSales(
  tx: Queries,
  { build, events }: { readonly build: number; readonly events: readonly SalesEvent[] },
): Promise<void> {
  const sums = new Map<string, { orders: number; cents: number }>();
  for (const { type, data } of events) {
    const sign = type === "OrderPlaced" ? 1 : -1;
    const { orders, cents } = sums.get(data.customer) ?? { orders: 0, cents: 0 };
    sums.set(data.customer, { orders: orders + sign, cents: cents + sign * data.cents });
  }
  // In one order everywhere: two slots that lock the same customers never wait for each other.
  const customers = [...sums.keys()].toSorted();
  await tx.query(
    `INSERT INTO ${tableOf(build)} AS own (customer, orders, cents)
    SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[])
    ON CONFLICT (customer) DO UPDATE SET orders = own.orders + excluded.orders, cents = own.cents + excluded.cents`,
    [
      customers,
      customers.map((customer) => sums.get(customer)?.orders),
      customers.map((customer) => sums.get(customer)?.cents),
    ],
  );
}
