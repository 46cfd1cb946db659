import { Bill, type Capacity } from "@tuppence/core/chains";
import type { CallPlan, CallToPlan, EnqueuePlan } from "./plan-enqueue.ts";

/** What came of a call. Of calls that went into one item, it is all counted at the first of them. */
export type EnqueueOutcome =
  | {
      readonly kind: "enqueued";
      readonly positions: readonly number[];
      readonly duplicates: readonly number[];
      readonly capacity: Capacity;
    }
  | Extract<CallPlan, { readonly kind: "refused" }>;

const NOTHING: Capacity = new Bill().total();
const NONE: readonly number[] = [];

/** What came of the calls of a group that was written as planned, at a position. */
export function answerCalls(
  calls: readonly CallToPlan[],
  plan: EnqueuePlan,
  { first, capacity }: { readonly first: number; readonly capacity: Capacity },
): EnqueueOutcome[] {
  return plan.calls.map((planned, index) => {
    const own = index === 0 ? capacity : NOTHING;
    switch (planned.kind) {
      case "whole": {
        const positions = (calls[index]?.messages ?? []).map((_, at) => first + planned.offset + at);
        return { kind: "enqueued", positions, duplicates: NONE, capacity: own };
      }
      case "parts": {
        const positions = planned.places.map((place) =>
          "offset" in place ? first + place.offset : place.position,
        );
        return { kind: "enqueued", positions, duplicates: planned.duplicates, capacity: own };
      }
      default:
        return planned;
    }
  });
}
