import type { EventDefinitions } from "../events.ts";
import type { BodyOptions } from "../store/body-options.ts";
import type { EventStore } from "../store/event-store.ts";

/** The two functions of a test runner that the contract needs: those of Vitest, Jest or `node:test`. */
export interface ContractRunner {
  readonly describe: (name: string, suite: () => void) => unknown;
  readonly it: (name: string, test: () => Promise<void>) => unknown;
}

/** What the contract is checked on. */
export interface ContractSubject {
  /**
   * Opens a store. All stores opened see the same data, as processes that share a table do; none knows what the
   * others have in memory.
   */
  readonly openStore: <Definitions extends EventDefinitions = EventDefinitions>(
    options?: BodyOptions & { readonly events?: Definitions | undefined },
  ) => EventStore<Definitions>;
}
