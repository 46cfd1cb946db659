import { appendContract } from "./append-contract.ts";
import { groupContract } from "./group-contract.ts";
import { bodyContract } from "./body-contract.ts";
import { readContract } from "./read-contract.ts";
import { refusalContract } from "./refusal-contract.ts";
import { snapshotContract } from "./snapshot-contract.ts";
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
 * describeEventStoreContract({ describe, it }, { openStore: (options) => createMyStore({ ...options }) });
 * ```
 */
export function describeEventStoreContract(runner: ContractRunner, subject: ContractSubject): void {
  runner.describe("event store contract", () => {
    appendContract(runner, subject);
    groupContract(runner, subject);
    readContract(runner, subject);
    refusalContract(runner, subject);
    closeContract(runner, subject);
    transactContract(runner, subject);
    snapshotContract(runner, subject);
    readTransactionContract(runner, subject);
    transferContract(runner, subject);
    bodyContract(runner, subject);
  });
}
