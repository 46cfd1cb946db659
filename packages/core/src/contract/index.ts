import { appendContract } from "./append-contract.ts";
import { readContract } from "./read-contract.ts";
import { refusalContract } from "./refusal-contract.ts";
import { closeContract } from "./close-contract.ts";
import { readTransactionContract } from "./read-transaction-contract.ts";
import { transactContract } from "./transact-contract.ts";
import { transferContract } from "./transfer-contract.ts";
import type { ContractRunner, ContractSubject } from "./subject.ts";

export type { ContractRunner, ContractSubject };

/**
 * Describes what every event store of this interface does, as a suite of tests. Run it on a store of your own:
 *
 * ```ts
 * describeEventStoreContract({ describe, it }, { openStore: ({ events } = {}) => createMyStore({ events }) });
 * ```
 */
export function describeEventStoreContract(runner: ContractRunner, subject: ContractSubject): void {
  runner.describe("event store contract", () => {
    appendContract(runner, subject);
    readContract(runner, subject);
    refusalContract(runner, subject);
    closeContract(runner, subject);
    transactContract(runner, subject);
    readTransactionContract(runner, subject);
    transferContract(runner, subject);
  });
}
