import type { DecisionResult } from "@tuppence/core";
import { issueInvoice } from "./issue-invoice.ts";
import { receivePayment } from "./receive-payment.ts";
import { registerUser } from "./register-user.ts";
import type { schoolEvents, SchoolStore } from "./school-events.ts";
import { subscribe } from "./subscribe.ts";

type Result = DecisionResult<typeof schoolEvents>;

/** What became of the racers of one case. */
export interface Race {
  readonly title: string;
  readonly stored: number;
  /** Those that had nothing left to do. */
  readonly nothing: number;
  /** How many were refused for each reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** How often all of them decided. */
  readonly attempts: number;
  /** The invoice numbers that were given, in order. */
  readonly numbers: readonly number[];
}

/** Runs each case with racers that start at once, each a process of its own: a store that shares nothing but the data. */
export async function runRaces(openStore: () => SchoolStore, racers = 8): Promise<Race[]> {
  const stores = Array.from({ length: racers }, openStore);
  const [first] = stores;
  await first?.append("course|fugue", [{ type: "CourseOpened", data: { places: 3 } }]);
  const race = async (
    title: string,
    act: (store: SchoolStore, racer: number) => Promise<Result>,
  ): Promise<Race> => ({ title, ...summary(await Promise.allSettled(stores.map(act))) });
  return [
    await race(`${racers} users want the name Ada`, (store, racer) =>
      registerUser(store, { userId: `user-${racer}`, name: "Ada" }),
    ),
    await race(`${racers} students, 3 places`, (store, racer) =>
      subscribe(store, { courseId: "fugue", student: `student-${racer}` }),
    ),
    await race(`${racers} invoices, numbered`, (store, racer) =>
      issueInvoice(store, { order: `order-${racer}`, cents: 12_50, year: 2026 }),
    ),
    await race(`1 payment, told ${racers} times`, (store) =>
      receivePayment(store, { token: "transfer-1", account: "school", cents: 12_50 }),
    ),
  ];
}

function summary(results: readonly PromiseSettledResult<Result>[]): Omit<Race, "title"> {
  const refused: Record<string, number> = {};
  const numbers: number[] = [];
  let [stored, nothing, attempts] = [0, 0, 0];
  for (const result of results) {
    if (result.status === "rejected") {
      const reason = (result.reason as Error).constructor.name;
      refused[reason] = (refused[reason] ?? 0) + 1;
      continue;
    }
    attempts += result.value.attempts;
    if (result.value.appends.length === 0) nothing += 1;
    else stored += 1;
    for (const { events } of result.value.appends) {
      for (const event of events) if (event.type === "InvoiceIssued") numbers.push(event.data.number);
    }
  }
  return { stored, nothing, refused, attempts, numbers: numbers.toSorted((one, other) => one - other) };
}
