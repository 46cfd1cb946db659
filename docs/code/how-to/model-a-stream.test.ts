import { createMemoryEventStore } from "@tuppence/core/memory";
import { expect, it } from "vitest";
//#region events
import { defineEvents, type EventOf } from "@tuppence/core";
import { z } from "zod";

export const loanEvents = defineEvents({
  BookLent: z.object({ book: z.string(), member: z.string(), dueOn: z.iso.date() }),
  LoanExtended: z.object({ dueOn: z.iso.date() }),
  BookReturned: z.object({ isDamaged: z.boolean() }),
});

export type LoanEvent = EventOf<typeof loanEvents>;
//#endregion events

//#region snapshot
const loan = {
  initialState: () => ({ dueOn: "", extensions: 0 }),
  evolve(state: { dueOn: string; extensions: number }, event: LoanEvent) {
    if (event.type === "BookLent") return { ...state, dueOn: event.data.dueOn };
    if (event.type !== "LoanExtended") return state;
    return { dueOn: event.data.dueOn, extensions: state.extensions + 1 };
  },
  snapshot: { version: "1" }, // change it with every change of evolve
};
//#endregion snapshot

it("a loan is a stream", async () => {
  const store = createMemoryEventStore({ events: loanEvents });
  //#region close
  const lent = { book: "Sketches", member: "m-1", dueOn: "2026-03-01" };
  await store.append("loan|2026-000123", [{ type: "BookLent", data: lent }], { expectedVersion: "noStream" });
  await store.append("loan|2026-000123", [{ type: "LoanExtended", data: { dueOn: "2026-03-15" } }]);
  await store.append("loan|2026-000123", [{ type: "BookReturned", data: { isDamaged: false } }], {
    close: true, // what comes later is refused: this loan is over
  });
  //#endregion close
  expect((await store.load("loan|2026-000123", loan)).state).toEqual({ dueOn: "2026-03-15", extensions: 1 });
});
