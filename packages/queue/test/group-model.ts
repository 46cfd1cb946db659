import { NonRetryableError } from "@tuppence/core/failures";
import { createMemoryStorage } from "@tuppence/core/memory";
import type { ControlChange } from "@tuppence/core/leases";
import type { BatchContext, ConsumeOptions, HandlerContext } from "../src/group/consume-options.ts";
import { GROUP_GUARDS, type GroupGuards } from "../src/group/group-guards.ts";
import type { GroupConsumer } from "../src/group/group-consumer.ts";
import type { GroupEvent } from "../src/group/group-event.ts";
import { createQueueGroups } from "../src/group/queue-groups.ts";
import { createQueue, type FailurePolicy, type Queue } from "../src/index.ts";
import type { Message } from "../src/message.ts";
import { chainOf } from "../src/names.ts";
import type { QueueContext, QueueReadOptions } from "../src/queue-context.ts";
import { createQueueReader } from "../src/read-queue.ts";
import { GroupChecks } from "./group-checks.ts";
import { Process, World } from "@tuppence/test-support/world";
import { seededRandom } from "@tuppence/test-support/seeded-random";

/**
 * Histories of up to three processes that consume a group of a queue that grows, while everything goes wrong, and operators change lanes, reset, and
 * ask for what is parked. Each is replayable from its seed.
 */

/** What is switched off, to see that the checks notice, and what history it is to be. */
export interface Sabotage {
  readonly guards?: Partial<GroupGuards> | undefined;
  readonly alter?: ((change: ControlChange) => ControlChange) | undefined;
  readonly policy?: FailurePolicy | undefined;
  readonly kind?: "each" | "batch" | "transaction" | undefined;
  /** Default: of most. */
  readonly changesLanes?: boolean | undefined;
}

export interface GroupHistory {
  readonly problems: readonly string[];
  readonly counts: GroupChecks["counts"];
}

type Kind = NonNullable<Sabotage["kind"]>;

interface Body {
  /** Handlers fail until it is repaired: for good at once, or after some attempts. */
  readonly poison?: "final" | "permanent" | "transient" | undefined;
}

const KEYS = ["a", "b", "c", "d", undefined];
const POLICIES: readonly FailurePolicy[] = ["block", "parkMessage", "parkKey", "skip"];
const LEASE_MS = 3_000;
/** Everything goes wrong for so long, and has come to rest after so long. */
const FAULTS_MS = 25_000;
const REST_MS = 600_000;
const MAX_PROCESSES = 3;

/** Runs one history; answers what went wrong in it, and how much happened. */
export async function runGroupHistory(seed: number, sabotage: Sabotage = {}): Promise<GroupHistory> {
  const model = new GroupModel(seed, sabotage);
  await model.run();
  const { problems, counts } = model.checks;
  return { problems: problems.map((problem) => `seed ${seed}: ${problem}`), counts };
}

interface Worker {
  readonly process: Process;
  readonly consumer: GroupConsumer;
  isStopping: boolean;
}

class GroupModel {
  readonly checks: GroupChecks;
  readonly #random: () => number;
  readonly #world: World;
  readonly #guards: GroupGuards;
  readonly #storage = createMemoryStorage();
  readonly #queue: Queue<Body>;
  readonly #policy: FailurePolicy;
  readonly #kind: Kind;
  readonly #repairedAt: number;
  readonly #isPoisoned: boolean;
  readonly #changesLanes: boolean;
  #workers: Worker[] = [];
  #created = 0;

  constructor(seed: number, sabotage: Sabotage) {
    const random = seededRandom(seed);
    this.#random = random;
    this.#world = new World(random);
    this.#guards = { ...GROUP_GUARDS, ...sabotage.guards };
    this.#policy = sabotage.policy ?? this.#oneOf(POLICIES);
    this.#kind = sabotage.kind ?? this.#oneOf(["each", "batch", "transaction"] as const);
    const isTransaction = this.#kind === "transaction";
    this.checks = new GroupChecks({ policy: this.#policy, isTransaction, time: () => this.#world.time });
    this.#world.onWrite = (done, also) => this.checks.written(done, also);
    if (sabotage.alter) this.#world.alter = sabotage.alter;
    const runtime = new Process(this.#world, "writer").runtime;
    // What writers go through is another model's.
    this.#queue = createQueue({
      name: "q",
      storage: this.#storage,
      control: this.#world.memory,
      runtime,
    }) as Queue<Body>;
    this.#repairedAt = random() * FAULTS_MS;
    this.#isPoisoned = random() < 0.7;
    this.#changesLanes = sabotage.changesLanes ?? random() < 0.7;
  }

  async run(): Promise<void> {
    const world = this.#world;
    await this.#enqueue();
    for (let count = this.#upTo(2); count > 0; count--) this.#startWorker();
    while (world.time < FAULTS_MS) {
      await world.runUntil(world.time + this.#random() * 2_000);
      await this.#enqueue();
      this.#meddle();
      await this.#checkNeeded();
    }
    await this.#comeToRest();
    this.checks.checkEnd();
  }

  #upTo(most: number): number {
    return 1 + Math.floor(this.#random() * most);
  }

  #oneOf<Element>(elements: readonly Element[]): Element {
    return elements.at(Math.floor(this.#random() * elements.length)) as Element;
  }

  #live(): Worker[] {
    return this.#workers.filter(({ process, isStopping }) => !process.isDead && !isStopping);
  }

  /** Nothing goes wrong any more, and all that is parked is asked for. */
  async #comeToRest(): Promise<void> {
    const world = this.#world;
    world.isFaulty = false;
    this.#startWorker();
    await this.#enqueue();
    const end = world.time + REST_MS;
    const { groups } = createQueueGroups<Body>(this.#contextOf(new Process(world, "operator")));
    let failure: unknown;
    while (this.checks.whatIsLeft() !== "") {
      if (world.time > end) {
        this.checks.problems.push(`no rest: ${this.checks.whatIsLeft()} ${String(failure)}`);
        return;
      }
      if (this.checks.parkedNow > 0) groups.redrive("g").catch((error: unknown) => (failure = error));
      await world.runUntil(world.time + 1_000);
    }
  }

  async #enqueue(): Promise<void> {
    const random = this.#random;
    for (let calls = Math.floor(random() * 3); calls > 0; calls--) {
      const messages = Array.from({ length: this.#upTo(4) }, () => ({
        body: this.#isPoisoned && random() < 0.15 ? { poison: this.#poison() } : {},
        key: this.#oneOf(KEYS),
      }));
      await this.#queue.enqueue(messages);
    }
    const { messages } = this.checks;
    for await (const message of this.#queue.read(messages.length + 1)) messages.push(message);
  }

  #poison(): NonNullable<Body["poison"]> {
    return this.#oneOf(["final", "permanent", "transient"] as const);
  }

  #contextOf(process: Process): QueueContext {
    const world = this.#world;
    const control = world.storageOf(process);
    const reader = createQueueReader("q", {
      storage: this.#storage,
      control: world.memory,
      runtime: process.runtime,
    });
    return {
      name: "q",
      chain: chainOf("q"),
      storage: this.#storage,
      control,
      runtime: process.runtime,
      checkRegion: async () => undefined,
      open: async () => undefined,
      onEnqueued: () => ({ remove: () => undefined }),
      reader: {
        tail: (signal) => world.call({ process, signal, isWrite: false }, () => reader.tail()),
        firstPosition: (signal) =>
          world.call({ process, signal, isWrite: false }, () => reader.firstPosition()),
        positionAt: (time, signal) =>
          world.call({ process, signal, isWrite: false }, () => reader.positionAt(time)),
        read: (from, options) => this.#read(process, from, options),
      },
    };
  }

  /** The queue as a process reads it: late, in pages that end anywhere, and at times without what is newest. */
  async *#read(
    process: Process,
    from: number,
    { to, signal, consistency = "strong" }: QueueReadOptions = {},
  ): AsyncGenerator<readonly Message[]> {
    const world = this.#world;
    for (let next = from; ; ) {
      const page = await world.call({ process, signal, isWrite: false }, async () => {
        const found = this.checks.messages.slice(next - 1, to);
        const isAll =
          !world.isFaulty || world.random() < 0.5 || (consistency === "strong" && to !== undefined);
        return isAll ? found : found.slice(0, Math.floor(world.random() * (found.length + 1)));
      });
      if (page.length === 0) return;
      yield page;
      next += page.length;
    }
  }

  #startWorker(): void {
    const world = this.#world;
    const random = this.#random;
    const process = new Process(world, `w${++this.#created}`);
    const { inner } = createQueueGroups(this.#contextOf(process), this.#guards);
    const options = {
      lanes: this.#changesLanes && random() < 0.4 ? this.#upTo(3) : undefined,
      onFailure: this.#policy,
      maxAttempts: 2,
      backoff: { baseMs: 50, maxMs: 500 },
      maxParked: random() < 0.3 ? 3 : 100,
      handlerTimeoutMs: random() < 0.3 ? 2_000 : undefined,
      leaseDurationMs: LEASE_MS,
      pollIntervalMs: 200,
      maxIdleMs: 400,
      workerId: process.name,
      onEvent: (event: GroupEvent) => this.#saw(event),
      ...(this.#kind === "each" ? { ackEvery: this.#upTo(3) } : { batchSize: this.#upTo(5) }),
      ...(this.#kind === "transaction" && { mode: "transaction" as const }),
    } as ConsumeOptions;
    const consumer = inner.consumeWith("g", this.#handlerOf(process), options, { passedStoreMs: 300 });
    const worker = { process, consumer, isStopping: false };
    const start = (): void =>
      void consumer.start().catch((error: unknown) => {
        this.#checkMistake("start", error);
        if (!worker.isStopping) start();
      });
    start();
    this.#workers.push(worker);
  }

  #handlerOf(process: Process): unknown {
    const effect = (messages: readonly Message[], { signal, generation }: HandlerContext): Promise<void> =>
      this.#world.call({ process, signal, isWrite: true }, async () => {
        for (const { position } of messages) this.checks.handled(position, generation);
      });
    switch (this.#kind) {
      case "each":
        return async (message: Message, context: HandlerContext) => {
          this.#checkPoison([message]);
          await effect([message], context);
        };
      case "batch":
        return async (messages: readonly Message[], context: BatchContext) => {
          if (this.#random() < 0.5) {
            this.#checkPoison(messages);
            return effect(messages, context);
          }
          for (const message of messages) {
            this.#checkPoison([message]);
            await effect([message], context);
            if (this.#random() < 0.5) context.handled(message.position);
          }
          return undefined;
        };
      case "transaction":
        return async (messages: readonly Message[]) => {
          this.#checkPoison(messages);
          return messages.map(({ position }) => ({ position }));
        };
    }
  }

  #checkPoison(messages: readonly Message[]): void {
    const { isFaulty, time } = this.#world;
    if (!isFaulty || time > this.#repairedAt) return;
    for (const { position, body } of messages) {
      const { poison } = body as Body;
      if (poison === undefined) continue;
      const isLeftOut = this.#policy === "skip" && poison !== "transient" && messages.length === 1;
      if (isLeftOut) this.checks.leftOut(position);
      if (poison === "final") throw new NonRetryableError(`${position} is poison`, { position });
      const error = new Error(`${position} is poison`);
      if (poison === "transient") error.name = "ThrottlingException";
      throw error;
    }
  }

  /** Mistakes of ours must not pass as what goes wrong. */
  #saw(event: GroupEvent): void {
    const { error } = (event.type === "lease" ? event.event : event) as { readonly error?: unknown };
    this.#checkMistake(event.type, error);
  }

  #checkMistake(where: string, error: unknown): void {
    const isMistake = [TypeError, RangeError, ReferenceError].some((kind) => error instanceof kind);
    if (isMistake) this.checks.problems.push(`${where}: ${String((error as Error).stack)}`);
  }

  /** Freezes, kills, stops or starts a process, or operates. */
  #meddle(): void {
    const random = this.#random;
    this.#workers = this.#live();
    const kind = random();
    const worker = this.#workers[Math.floor(random() * this.#workers.length)];
    if (kind < 0.2 && worker) {
      worker.process.frozenUntil = this.#world.time + random() * random() * 6 * LEASE_MS;
    } else if (kind < 0.27 && worker) worker.process.isDead = true;
    else if (kind < 0.35 && worker) {
      worker.isStopping = true;
      const stopped = worker.consumer.stop({ drainMs: random() * 2_000 });
      void stopped.then(() => (worker.process.isDead = true));
    } else if (kind < 0.65) {
      this.#operate().catch((error: unknown) => this.#checkMistake("operate", error));
    }
    if (this.#live().length < MAX_PROCESSES && random() < 0.4) this.#startWorker();
  }

  async #operate(): Promise<void> {
    const random = this.#random;
    const process = new Process(this.#world, "operator");
    const { groups } = createQueueGroups<Body>(this.#contextOf(process));
    const kind = random();
    const chains = [...this.checks.lanes.values()].flatMap(({ parked }) => [...parked]);
    const [short, positions = []] = chains.length === 0 ? [] : this.#oneOf(chains);
    if (kind < 0.3 && this.#changesLanes) return groups.changeLanes("g", this.#upTo(4));
    if (kind < 0.38) {
      const to = this.#oneOf(["beginning", "end", this.#upTo(this.checks.messages.length || 1)] as const);
      return groups.reset("g", { to });
    }
    if (kind < 0.5 && positions[0] !== undefined) {
      const position = this.#oneOf(positions);
      for (const each of short === "" ? [position] : positions) this.checks.leftOut(each);
      await groups.redrive("g", { position, skip: true });
    } else if (kind < 0.6 && positions[0] !== undefined)
      await groups.redrive("g", { position: positions[0] });
    else await groups.redrive("g", { key: random() < 0.5 ? this.#oneOf(KEYS) : undefined });
  }

  /** What a trim at this moment would keep. */
  async #checkNeeded(): Promise<void> {
    const process = new Process(this.#world, "observer");
    const context = { ...this.#contextOf(process), control: this.#world.memory };
    this.checks.needed(await createQueueGroups(context).inner.lowestNeeded());
  }
}
