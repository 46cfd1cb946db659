//#region decider
import type { Decider } from "@tuppence/core";
import type { OrderEvent } from "./order-events.ts";

export type OrderCommand =
  | { kind: "place"; customer: string; cents: number }
  | { kind: "pay"; cents: number }
  | { kind: "cancel"; reason: string };

export interface Order {
  readonly status: "none" | "open" | "paid" | "cancelled";
  readonly cents: number;
}

export class WrongAmountError extends Error {
  readonly missing: number;

  constructor(missing: number) {
    super(`${missing} cents are missing.`);
    this.missing = missing;
  }
}

export const order: Decider<OrderCommand, Order, OrderEvent> = {
  initialState: () => ({ status: "none", cents: 0 }),

  evolve(state, event) {
    switch (event.type) {
      case "OrderPlaced":
        return { status: "open", cents: event.data.cents };
      case "OrderPaid":
        return { ...state, status: "paid" };
      case "OrderCancelled":
        return { ...state, status: "cancelled" };
      case "OrderShipped":
        return state;
    }
  },

  decide(command, { status, cents }) {
    switch (command.kind) {
      case "place": {
        const { customer, cents: total } = command;
        return status === "none" ? { type: "OrderPlaced", data: { customer, cents: total } } : [];
      }
      case "pay":
        if (status !== "open") return [];
        if (command.cents !== cents) throw new WrongAmountError(cents - command.cents);
        return { type: "OrderPaid", data: { cents } };
      case "cancel": {
        const { reason } = command;
        return status === "open" ? { type: "OrderCancelled", data: { reason } } : [];
      }
    }
  },
};
//#endregion decider
