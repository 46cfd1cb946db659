import pMap from "p-map";
import { attempt } from "./attempt.ts";
import { claimLease } from "./claim-lease.ts";
import { BEATS_PER_DURATION, type HeldLease, type LeaseContext } from "./held-lease.ts";
import {
  askUpdate,
  isSameLease,
  leaseKey,
  leasesOf,
  memberUpdate,
  membersOf,
  readLease,
  readMember,
  type StoredLease,
  type StoredMember,
} from "./lease-item.ts";
import { nextAction } from "./next-action.ts";
import { rendezvousOwner } from "./rendezvous.ts";
import { Sightings } from "./sightings.ts";

/** Claims and requests to hand over of one worker at a time. */
const WRITES_AT_ONCE = 10;

/** How long the item of a member stays whose beat stands still, in milliseconds; nobody needs it any more long before. */
const MEMBER_KEPT_MS = 3_600_000;

/** What a worker does in each round besides keeping what it holds: look who is there, and take what it is to have. */
export class LeaseRound {
  readonly #context: LeaseContext;
  readonly #leases = new Sightings<StoredLease>(isSameLease);
  readonly #members = new Sightings<StoredMember>((one, other) => one.beat === other.beat);
  /** Of leases that were handed over, the epoch that this worker had. */
  readonly #handedOver = new Map<string, number>();
  #beat = 0;

  constructor(context: LeaseContext) {
    this.#context = context;
  }

  /** Says that this worker is alive, and looks at the leases and members there are. */
  async look(resources: () => Promise<readonly string[]>): Promise<readonly string[]> {
    const { storage, group, worker, durationMs, runtime } = this.#context;
    const beat = ++this.#beat;
    const consistency = "eventual";
    const me = memberUpdate(group, worker, { beat, durationMs, now: runtime.now() });
    const [, leases, members, listed] = await Promise.all([
      this.#attempt((signal) => storage.update(me, signal)),
      this.#attempt((signal) => storage.list(leasesOf(group), { consistency, signal })),
      this.#attempt((signal) => storage.list(membersOf(group), { consistency, signal })),
      // Its time is the caller's, but a round can't wait for ever.
      attempt(runtime, { timeoutMs: durationMs }, resources),
    ]);
    const now = runtime.monotonic();
    const names = [...new Set(listed)];
    this.#leases.look(new Map([...leases].map(([name, item]) => [name, readLease(item)])), names, now);
    for (const [name, epoch] of this.#handedOver) {
      if (this.stored(name)?.epoch !== epoch) this.#handedOver.delete(name);
    }
    this.#members.look(new Map([...members].map(([name, item]) => [name, readMember(item)])), [], now);
    await this.#takeAwayDead(now);
    return names;
  }

  /** Takes away what members left behind who are gone for long: not every table has TTL. One of the others does it. */
  async #takeAwayDead(now: number): Promise<void> {
    const { storage, group, worker } = this.#context;
    const dead = [...this.#members].flatMap(([member, { since }]) =>
      now - since >= MEMBER_KEPT_MS && member !== worker ? [member] : [],
    );
    const live = this.#liveMembers();
    for (const member of dead) {
      if (rendezvousOwner(member, live) !== worker) continue;
      await this.#attempt((signal) => storage.delete({ partition: membersOf(group), sort: member }, signal));
    }
  }

  stored(resource: string): StoredLease | undefined {
    return this.#leases.get(resource)?.state;
  }

  handedOver(resource: string, epoch: number): void {
    this.#handedOver.set(resource, epoch);
  }

  /**
   * Claims those that this worker is to have, and asks their owners for them, until the signal is aborted. All are tried,
   * whichever fails.
   */
  async take(
    resources: readonly string[],
    signal: AbortSignal,
    onClaimed: (lease: HeldLease) => void,
  ): Promise<void> {
    const members = this.#liveMembers();
    const takeOne = async (resource: string): Promise<void> => {
      // What was sent is waited for: a claim must not be left behind.
      if (signal.aborted) return;
      const seen = this.#leases.get(resource);
      const action = nextAction(
        {
          stored: seen?.state,
          unchangedMs: this.#context.runtime.monotonic() - (seen?.since ?? Number.POSITIVE_INFINITY),
          me: this.#context.worker,
          rendezvous: rendezvousOwner(resource, members),
          members,
          handedOver: seen?.state !== undefined && this.#handedOver.get(resource) === seen.state.epoch,
          durationMs: this.#context.durationMs,
        },
        this.#context.guards,
      );
      if (action === "ask" && seen?.state) await this.#ask(resource, seen.state);
      if (action !== "claim") return;
      const lease = await claimLease(this.#context, resource, seen?.state);
      if (lease === undefined) return;
      this.#handedOver.delete(resource);
      onClaimed(lease);
    };
    await pMap(resources, takeOne, { concurrency: WRITES_AT_ONCE, stopOnError: false });
  }

  /** Takes this worker from the group, so that the others share out what it had. */
  async leave(): Promise<void> {
    const { storage, group, worker } = this.#context;
    await this.#attempt((signal) => storage.delete({ partition: membersOf(group), sort: worker }, signal));
  }

  /** A member that is seen for the first time is taken to be alive; one whose beat stands still is dead. */
  #liveMembers(): ReadonlySet<string> {
    const now = this.#context.runtime.monotonic();
    const live = [...this.#members].filter(
      ([, { state, since }]) => state !== undefined && now - since < state.durationMs,
    );
    return new Set([...live.map(([member]) => member), this.#context.worker]);
  }

  async #ask(resource: string, { owner, epoch }: StoredLease): Promise<void> {
    if (owner === undefined) return;
    const { storage, group, worker } = this.#context;
    const update = askUpdate({ key: leaseKey(group, resource), owner, epoch }, worker);
    await this.#attempt((signal) => storage.update(update, signal));
  }

  #attempt<Result>(send: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const { runtime, durationMs } = this.#context;
    return attempt(runtime, { timeoutMs: durationMs / BEATS_PER_DURATION }, send);
  }
}
