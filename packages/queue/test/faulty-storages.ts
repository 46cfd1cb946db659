import { type ChainStorage, type Item, UncertainWriteError } from "@tuppence/core/chains";
import type { Turns } from "@tuppence/test-support/turns";
import type { ControlOutcome, ControlStorage } from "@tuppence/core/leases";

/** The process is gone: it did not get an answer, and has forgotten everything. */
export class Crash extends Error {
  override readonly name = "AbortError";
}

interface Faults {
  readonly random: () => number;
  readonly turns: Turns;
  /** Puts overwrite what is there. */
  readonly isUnconditional?: boolean | undefined;
}

/** One write: goes well, is lost before or after it is carried out or arrives late, or its process crashes. */
async function carryOut<Result>({ random, turns }: Faults, apply: () => Promise<Result>): Promise<Result> {
  await turns.next();
  const lost = (): UncertainWriteError =>
    new UncertainWriteError({ mayBeWritten: true, cause: new Error("the reply was lost") });
  const fate = random();
  if (fate < 0.03) throw new Crash();
  if (fate < 0.08) throw lost();
  if (fate < 0.12) {
    // It is on its way still, and arrives when nobody expects it any more.
    void turns
      .next()
      .then(() => turns.next())
      .then(apply);
    throw lost();
  }
  const result = await apply();
  if (fate < 0.2) throw lost();
  if (fate < 0.23) throw new Crash();
  await turns.next();
  return result;
}

/** Chains on which everything goes wrong that can. */
export function faultyStorage(inner: ChainStorage, faults: Faults): ChainStorage {
  const { random, turns } = faults;
  const put = async (item: Item): Promise<Item | undefined> => {
    const found = await inner.putNew(item, undefined);
    if (found === undefined || !faults.isUnconditional) return found;
    Object.assign(found, item);
    return undefined;
  };
  return {
    ...inner,
    putNew: (item) => carryOut(faults, () => put(item)),
    async strip(slot, attributes) {
      try {
        await carryOut(faults, () => inner.strip(slot, attributes, undefined));
      } catch (error) {
        // It can be done again, so nobody sorts what went wrong.
        throw error instanceof UncertainWriteError ? error.cause : error;
      }
    },
    async query(range) {
      await turns.next();
      if (random() < 0.01) throw new Crash();
      const page = await inner.query({ ...range, limit: Math.min(range.limit ?? 4, 4) });
      await turns.next();
      return page;
    },
  };
}

/** Control items likewise. */
export function faultyControl(inner: ControlStorage, faults: Faults): ControlStorage {
  const { random, turns } = faults;
  return {
    ...inner,
    update: (update) => carryOut<ControlOutcome>(faults, () => inner.update(update)),
    async find(key) {
      await turns.next();
      if (random() < 0.01) throw new Crash();
      const found = await inner.find(key);
      await turns.next();
      return found;
    },
  };
}
