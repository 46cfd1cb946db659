import { asDuplicate, type ChainContext, type Duplicate, lookBack } from "./chain.ts";
import { sendUntilCertain } from "./send.ts";
import { type ChainEnd, EMPTY_CHAIN } from "./tiling.ts";
import type { ChainTransact, Participant, Stand } from "./transact.ts";

/**
 * Looks for the transaction among what is stored, when its id is the caller's own. Of a transaction that was just
 * written, reads may see some parts before others; a check of a slot sees all or nothing, so it has the last word.
 */
export class OwnSearch {
  readonly #context: ChainContext;
  readonly #transact: ChainTransact;
  /** A written stream in which the transaction is if it is stored; undefined when nothing is to be looked for. */
  readonly #chain: string | undefined;
  /** Whether it may be anywhere in that stream; otherwise it begins right after `#searchedTo`. */
  readonly #isAnywhere: boolean;
  /** Where the part of the stream ends that does not hold it. */
  #searchedTo: ChainEnd = EMPTY_CHAIN;

  constructor(context: ChainContext, transact: ChainTransact) {
    this.#context = context;
    this.#transact = transact;
    const written = transact.participants.filter((each) => each.commit !== undefined);
    const fixed = written.find(({ expected }) => expected !== "any" && expected !== "streamExists");
    this.#isAnywhere = fixed === undefined;
    const { chain, expected } = fixed ?? written[0] ?? {};
    this.#chain = transact.ownCommitId && context.guards.looksBack ? chain : undefined;
    if (typeof expected === "number") this.#searchedTo = { ...EMPTY_CHAIN, version: expected };
  }

  /** Searches what was not searched yet, if the transaction may be anywhere in a stream. */
  async lookBack(): Promise<Duplicate | undefined> {
    if (this.#chain === undefined || !this.#isAnywhere) return undefined;
    const { bill, signal, commitId } = this.#transact;
    const own = { chain: this.#chain, bill, signal, commit: { id: commitId } };
    const { duplicate, tail } = await lookBack(this.#context, own, this.#searchedTo);
    this.#searchedTo = tail;
    return duplicate;
  }

  /** A write may only go where everything before was searched; undefined: it is not about this stream. */
  standOf(participant: Participant): Stand | undefined {
    if (participant.chain !== this.#chain || !this.#isAnywhere) return undefined;
    return { ...participant, end: this.#searchedTo, fresh: true };
  }

  /** An expectation does not hold: because of the transaction itself, of what came after it, or of something else. */
  async afterRefusal(): Promise<Duplicate | undefined> {
    const { commitId } = this.#transact;
    if (this.#chain === undefined) return undefined;
    for (;;) {
      const before = await this.lookBack();
      if (before !== undefined) return before;
      const slot = { chain: this.#chain, slot: this.#searchedTo.version + 1 };
      const sender = { ...this.#transact, chain: this.#chain };
      const refusal = await sendUntilCertain(this.#context, sender, { puts: [], free: [slot] });
      const item = refusal?.found[0];
      if (item === undefined) return undefined;
      const duplicate = asDuplicate(this.#context, { commit: { id: commitId } }, item);
      if (duplicate !== undefined || !this.#isAnywhere) return duplicate;
    }
  }
}
