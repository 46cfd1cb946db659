import { decideAcross, type DecideAcrossOptions, type DecisionResult } from "@tuppence/core";
import type { SchoolEvent, schoolEvents, SchoolStore } from "./school-events.ts";

const numberOfInvoice = {
  initialState: (): number | undefined => undefined,
  evolve: (number: number | undefined, event: SchoolEvent) =>
    event.type === "InvoiceIssued" ? event.data.number : number,
};

/**
 * The invoices of a year are numbered 1, 2, 3 … without a gap. Each number is an event of one stream, so the next number is
 * where that stream ends, however long it is; and an order has one invoice, however often it is asked for.
 */
export function issueInvoice(
  store: SchoolStore,
  { order, cents, year }: { readonly order: string; readonly cents: number; readonly year: number },
  options?: DecideAcrossOptions,
): Promise<DecisionResult<typeof schoolEvents>> {
  const invoice = `invoice|${order}`;
  const numbers = `invoice-numbers|${year}`;
  return decideAcross(
    store,
    async ({ load, versionOf }) => {
      const [issued, last] = await Promise.all([load(invoice, numberOfInvoice), versionOf(numbers)]);
      if (issued !== undefined) return [];
      return [
        { streamId: numbers, events: [{ type: "NumberGiven", data: { order } }] },
        { streamId: invoice, events: [{ type: "InvoiceIssued", data: { number: last + 1, cents } }] },
      ];
    },
    options,
  );
}
