import { defineEvents, type EventStore, type NewEventOf, type RecordedEventOf } from "@tuppence/core";
import { z } from "zod";

/** What happens to an account: each account is a stream. */
export const accountEvents = defineEvents({
  AccountOpened: z.object({ owner: z.string().min(1) }),
  OwnerChanged: z.object({ owner: z.string().min(1) }),
  MoneyDeposited: z.object({ cents: z.int().positive() }),
  MoneyWithdrawn: z.object({ cents: z.int().positive() }),
});

export type AccountStore = EventStore<typeof accountEvents>;

/** Undefined: there is no such account. */
export type Account = { readonly owner: string; readonly cents: number } | undefined;

/** What is asked for leads to an event of its own; whether it does is decided on the account. */
export type AccountCommand = NewEventOf<typeof accountEvents>;

/** What is asked for can't be: the rules of accounts say so. */
export class AccountRefusal extends Error {
  override readonly name = "AccountRefusal";
  readonly code: "accountMissing" | "accountExists" | "notEnoughMoney";

  constructor(code: AccountRefusal["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** The rules, pure. */
export const accountDecider = {
  initialState: (): Account => undefined,

  evolve(account: Account, { type, data }: RecordedEventOf<typeof accountEvents>): Account {
    const { owner = "", cents = 0 } = account ?? {};
    switch (type) {
      case "AccountOpened":
        return { owner: data.owner, cents: 0 };
      case "OwnerChanged":
        return { owner: data.owner, cents };
      case "MoneyDeposited":
        return { owner, cents: cents + data.cents };
      case "MoneyWithdrawn":
        return { owner, cents: cents - data.cents };
    }
  },

  decide(command: AccountCommand, account: Account): AccountCommand {
    const { type, data } = command;
    if (type === "AccountOpened") {
      if (account !== undefined)
        throw new AccountRefusal("accountExists", "There is such an account already.");
      return command;
    }
    if (account === undefined) throw new AccountRefusal("accountMissing", "There is no such account.");
    if (type === "MoneyWithdrawn" && data.cents > account.cents) {
      throw new AccountRefusal("notEnoughMoney", `The account has ${account.cents} cents.`);
    }
    return command;
  },
};
