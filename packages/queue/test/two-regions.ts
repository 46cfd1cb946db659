import { OutcomeUnknownError } from "@tuppence/core";
import {
  type ChainStorage,
  createMemoryStorage,
  type Item,
  UncertainWriteError,
} from "@tuppence/core/chains";
import { type ControlStorage, createMemoryControlStorage } from "@tuppence/core/leases";
import { createQueue, type Queue } from "../src/index.ts";
import { collect } from "./collect.ts";
import { seededRandom } from "@tuppence/test-support/seeded-random";

/** One queue that is written to in two Regions, on a table that is replicated between them. */

export type GlobalConsistency = "eventual" | "strong";

interface Region {
  readonly storage: ChainStorage;
  readonly control: ControlStorage;
}

const REGIONS = ["eu-west-1", "eu-central-1"];
const CALLS = 12;

/** Enqueues in both Regions; answers which messages are missing in which Region in the end although they were acknowledged. */
export async function enqueueInTwoRegions(
  seed: number,
  consistency: GlobalConsistency,
): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const replication = new Replication(random);
  const regions = consistency === "eventual" ? replication.regions() : strongRegions(random);
  const acknowledged: string[] = [];
  const enqueueAll = async (queue: Queue, region: string): Promise<void> => {
    for (let number = 1; number <= CALLS; number++) {
      const body = `${region} ${number}`;
      await enqueueAgain(queue, body);
      acknowledged.push(body);
      if (random() < 0.5) replication.deliverOne();
    }
  };
  const queues = regions.map(open);
  await Promise.all(queues.map((queue, index) => enqueueAll(queue, REGIONS[index] ?? "?")));
  replication.deliverAll();
  const problems: string[] = [];
  for (const [index, region] of regions.entries()) {
    const bodies = (await collect(open(region).read(1))).map(({ body }) => body);
    for (const body of acknowledged) {
      const times = bodies.filter((each) => each === body).length;
      if (times !== 1) problems.push(`${body} is ${times} times in ${REGIONS[index]}`);
    }
  }
  return problems;
}

/** Until the outcome is known. */
async function enqueueAgain(queue: Queue, body: string): Promise<void> {
  for (;;) {
    try {
      await queue.enqueue({ body, messageId: body });
      return;
    } catch (error) {
      if (!(error instanceof OutcomeUnknownError)) throw error;
    }
  }
}

function open({ storage, control }: Region): Queue {
  return createQueue({ name: "letters", storage, control, runtime: { sleep: async () => undefined } });
}

/** Both see one table; writes to the same item at the same time are refused, whether one of them was applied or not. */
function strongRegions(random: () => number): Region[] {
  const memory = createMemoryStorage();
  const control = createMemoryControlStorage();
  const conflict = (): UncertainWriteError =>
    new UncertainWriteError({ mayBeWritten: true, cause: new Error("ReplicatedWriteConflictException") });
  const storage: ChainStorage = {
    ...memory,
    async putNew(item, signal) {
      const fate = random();
      if (fate < 0.2) throw conflict();
      const found = await memory.putNew(item, signal);
      if (fate < 0.4) throw conflict();
      return found;
    },
  };
  return REGIONS.map(() => ({ storage, control }));
}

interface Write {
  readonly item: Item;
  readonly to: number;
  /** Of the writes to an item, the latest stays. */
  readonly at: number;
}

/** Each Region has a replica; what is written to one comes to the other later, and the last writer wins. */
class Replication {
  readonly #random: () => number;
  readonly #under: Write[] = [];
  readonly #replicas = REGIONS.map(() => createMemoryStorage());
  /** When what each replica has in a slot was written. */
  readonly #written = REGIONS.map(() => new Map<string, number>());
  #time = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  regions(): Region[] {
    return this.#replicas.map((memory, index) => ({
      // Cursors are no matter here.
      control: createMemoryControlStorage(),
      storage: {
        ...memory,
        putNew: async (item, signal) => {
          const found = await memory.putNew(item, signal);
          if (found !== undefined) return found;
          const at = ++this.#time;
          this.#written[index]?.set(slotOf(item), at);
          this.#under.push({ item, to: 1 - index, at });
          return undefined;
        },
      },
    }));
  }

  deliverOne(): void {
    const [write] = this.#under.splice(Math.floor(this.#random() * this.#under.length), 1);
    if (write !== undefined) this.#deliver(write);
  }

  deliverAll(): void {
    for (const write of this.#under.splice(0)) this.#deliver(write);
  }

  #deliver({ item, to, at }: Write): void {
    const written = this.#written[to];
    if (written === undefined || (written.get(slotOf(item)) ?? 0) > at) return;
    written.set(slotOf(item), at);
    // What a memory storage holds is its own to keep; here it is replaced.
    void this.#replicas[to]
      ?.putNew({ ...item }, undefined)
      .then((found) => found && Object.assign(found, item));
  }
}

function slotOf(item: Item): string {
  return `${item["s"]?.N}`;
}
