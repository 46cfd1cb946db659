import { decideAcross, type DecideAcrossOptions, type DecisionResult } from "@tuppence/core";
import type { schoolEvents, SchoolStore } from "./school-events.ts";

const isUsed = { initialState: () => false, evolve: () => true };

/**
 * A payment comes with a token of the bank's, and counts once. The token has a stream of its own, so the account is not
 * read, however long it is, and other payments to it are no conflict.
 */
export function receivePayment(
  store: SchoolStore,
  payment: { readonly token: string; readonly account: string; readonly cents: number },
  options?: DecideAcrossOptions,
): Promise<DecisionResult<typeof schoolEvents>> {
  const { token, account, cents } = payment;
  return decideAcross(
    store,
    async ({ load }) => {
      if (await load(`token|${token}`, isUsed)) return [];
      return [
        { streamId: `token|${token}`, events: [{ type: "TokenUsed", data: { account } }] },
        { streamId: `account|${account}`, events: [{ type: "PaymentReceived", data: { cents } }] },
      ];
    },
    options,
  );
}
