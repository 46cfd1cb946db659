import type { Fold, NewEvent, RecordedEvent } from "@tuppence/core";
import { oneOf, wholeNumber } from "./random.ts";

/** What writers do: money moves between accounts, and nobody may spend what is not there. */

const ACCOUNTS: readonly string[] = Array.from({ length: 20 }, (_, number) => `account|${number}`);

/** Who wrote an event, as which of what step. */
export interface AccountData {
  readonly by: string;
  readonly step: number;
  readonly index: number;
  readonly cents: number;
  /** Of what is sent: where to. */
  readonly to?: string;
}

/** `append`, perhaps at a version; `transact`; a command handler; a decision over two streams. */
export type Operation =
  | {
      readonly kind: "deposit";
      readonly account: string;
      readonly cents: readonly number[];
      readonly expectedVersion: number | "any";
    }
  | { readonly kind: "spread"; readonly accounts: readonly string[]; readonly cents: number }
  | { readonly kind: "withdraw"; readonly account: string; readonly cents: number }
  | { readonly kind: "send"; readonly from: string; readonly to: string; readonly cents: number };

/** Consecutive versions of a stream. */
export interface StoredPart {
  readonly streamId: string;
  readonly firstVersion: number;
  readonly version: number;
}

/** Where it was stored, or the code of the error that says that it was not. */
export type OperationOutcome = { readonly stored: readonly StoredPart[] } | { readonly refused: string };

export async function planOperation(
  random: () => number,
  versionOf: (account: string) => Promise<number>,
): Promise<Operation> {
  const account = oneOf(random, ACCOUNTS);
  const others = ACCOUNTS.filter((each) => each !== account);
  const kind = random();
  if (kind < 0.4) {
    const cents = Array.from({ length: wholeNumber(random, 1, 5) }, () => wholeNumber(random, 1, 500));
    return { kind: "deposit", account, cents, expectedVersion: "any" };
  }
  if (kind < 0.5) {
    const cents = [wholeNumber(random, 1, 500)];
    return { kind: "deposit", account, cents, expectedVersion: await versionOf(account) };
  }
  if (kind < 0.65) {
    const accounts = [account, ...others.filter(() => random() < 0.1)];
    return { kind: "spread", accounts, cents: wholeNumber(random, 1, 100) };
  }
  const cents = wholeNumber(random, 1, 1_500);
  if (kind < 0.85) return { kind: "withdraw", account, cents };
  return { kind: "send", from: account, to: oneOf(random, others), cents };
}

/** What an operation appends, if it is not refused. */
export interface Part {
  readonly streamId: string;
  readonly events: readonly NewEvent<string, AccountData>[];
}

export function partsOf(
  operation: Operation,
  { by, step }: { readonly by: string; readonly step: number },
): Part[] {
  const event = (type: string, index: number, data: { cents: number; to?: string }) => ({
    type,
    data: { by, step, index, ...data },
  });
  switch (operation.kind) {
    case "deposit": {
      const events = operation.cents.map((cents, index) => event("Deposited", index, { cents }));
      return [{ streamId: operation.account, events }];
    }
    case "spread":
      return operation.accounts.map((streamId, index) => ({
        streamId,
        events: [event("Deposited", index, { cents: operation.cents })],
      }));
    case "withdraw":
      return [{ streamId: operation.account, events: [event("Withdrawn", 0, { cents: operation.cents })] }];
    case "send": {
      const { from, to, cents } = operation;
      return [
        { streamId: from, events: [event("Sent", 0, { cents, to })] },
        { streamId: to, events: [event("Received", 1, { cents })] },
      ];
    }
  }
}

/** What is in an account, kept with its events where that costs nothing. */
export const balanceFold: Fold<number, RecordedEvent> = {
  initialState: () => 0,
  evolve: (cents, { type, data }) => cents + signOf(type) * (data as AccountData).cents,
  snapshot: { version: "1" },
};

export function signOf(type: string): 1 | -1 {
  return type === "Withdrawn" || type === "Sent" ? -1 : 1;
}
