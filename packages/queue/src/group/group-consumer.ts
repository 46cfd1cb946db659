import { LinkedAbort, pause } from "@tuppence/core";
import { createLeaseGroup, type Lease, type LeaseGroup } from "@tuppence/core/leases";
import { leaseGroupOf } from "../names.ts";
import type { QueueContext } from "../queue-context.ts";
import type { ConsumeSettings } from "./consume-options.ts";
import { type GroupDefinition, parseLaneResource } from "./group-definition.ts";
import type { GroupGuards } from "./group-guards.ts";
import type { GroupStore } from "./group-store.ts";
import { GroupPlan, type GroupWork } from "./group-work.ts";
import { FailingLaneReporter } from "./failing-lane.ts";
import type { LaneContext } from "./lane-context.ts";
import { LaneCursor } from "./lane-cursor.ts";
import { encodeLaneState, type LaneState } from "./lane-state.ts";
import { LaneRunner } from "./lane-runner.ts";
import { listParked, storedLanes } from "./list-parked.ts";
import { ParkedDetailsStore } from "./parked-details.ts";
import type { QueueFeed } from "./queue-feed.ts";
import { type LaneStart, startLane } from "./start-lane.ts";
import { startPosition } from "./start-position.ts";

/** A process that consumes a group of a queue, alone or with others that share its lanes. */
export interface QueueConsumer extends AsyncDisposable {
  /** How this process is called as an owner of lanes. */
  readonly workerId: string;
  /**
   * Begins, and makes the group if there is none; resolves once that is there.
   *
   * @throws TypeError when it was started before; QueueRegionError when the queue may not be consumed from here;
   * QueueTrimmedError for a new group that is to begin where the queue was trimmed.
   */
  start(): Promise<void>;
  /**
   * Lets the handlers that run end, stores how far they are, and lets the lanes go to others. What is not done after `drainMs`
   * (default 10,000) is given up, to be done again by others.
   */
  stop(options?: { readonly drainMs?: number | undefined }): Promise<void>;
  /**
   * Waits until all lanes, whoever has them, are past a position (default: the queue's last one now): what is parked does not count.
   * Cost: 1 RCU and more for each look, ten a second.
   *
   * @throws the signal's reason.
   */
  caughtUp(options?: CaughtUpOptions): Promise<void>;
}

export interface CaughtUpOptions {
  readonly position?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How often `caughtUp` looks, in milliseconds. */
const LOOK_MS = 100;

/** What a consumer is made of. */
export interface ConsumerParts {
  readonly group: string;
  readonly context: QueueContext;
  readonly settings: ConsumeSettings;
  readonly groups: GroupStore;
  readonly feed: QueueFeed;
  readonly guards: GroupGuards;
  readonly onStarted: () => void;
  readonly onStopped: () => void;
}

/** A lane of this process. */
interface RunningLane {
  readonly generation: number;
  readonly runner: LaneRunner;
  /** Others take over. */
  readonly superseded: AbortController;
}

export class GroupConsumer implements QueueConsumer {
  readonly #parts: ConsumerParts;
  readonly #leases: LeaseGroup;
  readonly #plan: GroupPlan;
  readonly #running = new Set<RunningLane>();
  /** As it was seen last. */
  #group: GroupDefinition | undefined;
  #isStarted = false;

  constructor(parts: ConsumerParts) {
    const { context, group, settings, groups, guards } = parts;
    const { name: queue, control } = context;
    this.#parts = parts;
    this.#leases = createLeaseGroup({
      storage: control,
      group: leaseGroupOf(queue, group),
      workerId: settings.workerId,
      leaseDurationMs: settings.leaseDurationMs,
      runtime: settings.runtime,
      onEvent: (event) => settings.emit({ type: "lease", queue, group, event }),
    });
    this.#plan = new GroupPlan(group, { groups, settings, guards, context });
  }

  get workerId(): string {
    return this.#leases.workerId;
  }

  async start(): Promise<void> {
    const { context, group, settings } = this.#parts;
    if (this.#isStarted) throw new TypeError(`The consumer of ${JSON.stringify(group)} was started before.`);
    this.#isStarted = true;
    try {
      await context.open();
      await this.#plan.begin(() => startPosition(context, settings.from));
    } catch (error) {
      // To be tried again by whoever is told.
      this.#isStarted = false;
      throw error;
    }
    this.#parts.onStarted();
    this.#leases.start({ resources: () => this.#lookForWork(), run: (lease) => this.#run(lease) });
  }

  stop(options?: { readonly drainMs?: number | undefined }): Promise<void> {
    this.#parts.onStopped();
    return this.#leases.stop(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async caughtUp({
    position,
    signal = new AbortController().signal,
    isExcused = () => false,
    waitsForRedrives = false,
  }: CaughtUpOptions & {
    /** Lanes that are not waited for. */
    readonly isExcused?: ((lane: number) => boolean) | undefined;
    /** Whether what somebody asked for of the parked ones has to be handled, too. */
    readonly waitsForRedrives?: boolean | undefined;
  } = {}): Promise<void> {
    const { context, group, groups, settings } = this.#parts;
    const wanted = position ?? (await context.reader.tail(signal)).position;
    for (;;) {
      signal.throwIfAborted();
      const definition = await groups.get(group, signal);
      const { current } = await storedLanes(context, definition, signal);
      const isThere = current.every(
        ({ lane, state }) => isExcused(lane) || (state !== undefined && state.done >= wanted),
      );
      const isAsked = waitsForRedrives && (await this.#isAsked(definition, { isExcused, signal }));
      if (isThere && !isAsked) return;
      await pause(settings.runtime, LOOK_MS, signal);
    }
  }

  async #isAsked(
    definition: GroupDefinition,
    { isExcused, signal }: { readonly isExcused: (lane: number) => boolean; readonly signal: AbortSignal },
  ): Promise<boolean> {
    const parked = await listParked(this.#parts.context, definition, signal);
    return parked.some(({ lane, redrive }) => redrive !== "no" && !isExcused(lane));
  }

  /** Something about the group has changed, or was asked for. */
  wake(): void {
    if (this.#isStarted) this.#leases.wake();
  }

  async #lookForWork(): Promise<readonly string[]> {
    const { group, resources } = await this.#plan.look();
    this.#learn(group);
    return resources;
  }

  #learn(group: GroupWork["group"]): void {
    // What was read before may come later.
    if (group && this.#group && group.revision < this.#group.revision) return;
    this.#group = group;
    for (const lane of this.#running) {
      if (group?.current.number !== lane.generation) lane.superseded.abort();
      lane.runner.wake();
    }
  }

  async #run(lease: Lease): Promise<void> {
    const { groups, group, guards, context } = this.#parts;
    const found = guards.looksAgain ? await groups.find(group, lease.lost) : this.#group;
    const leases = found?.previous === undefined ? [] : await this.#leases.list();
    const start = startLane(found, lease, leases, guards);
    switch (start.kind) {
      case "run":
        return this.#runLane(lease, start);
      case "seal":
        // Another process was to seal it, and is gone.
        await this.#laneOf(lease, start, lease.lost).runner.seal();
        return this.#leases.wake();
      case "gone":
        // The lease came to be when it was claimed.
        return context.control.delete({
          partition: `LEASE|${leaseGroupOf(context.name, group)}`,
          sort: lease.resource,
        });
      case "wait":
        return;
    }
  }

  async #runLane(lease: Lease, start: LaneStart & { readonly kind: "run" }): Promise<void> {
    // From now on there is something that a late write of an owner of before can't expect.
    if (lease.position === undefined) await lease.commit(encodeLaneState(start.state));
    const superseded = new AbortController();
    using ending = new LinkedAbort(lease.release, lease.lost, superseded.signal);
    const { runner } = this.#laneOf(lease, start, ending.signal);
    const { generation } = parseLaneResource(lease.resource);
    const lane: RunningLane = { generation, runner, superseded };
    this.#running.add(lane);
    if (this.#group && this.#group.current.number > generation) superseded.abort();
    try {
      await runner.run();
    } finally {
      this.#running.delete(lane);
    }
    if (!superseded.signal.aborted || lease.lost.aborted) return;
    if (this.#group?.previous?.number === generation) await runner.seal();
    this.#leases.wake();
  }

  #laneOf(
    lease: Lease,
    { state, lanes }: { readonly state: LaneState; readonly lanes: number },
    ending: AbortSignal,
  ): { readonly runner: LaneRunner } {
    const { context, feed, group, guards, settings } = this.#parts;
    const { name: queue, control } = context;
    const ref = { queue, group, ...parseLaneResource(lease.resource) };
    const { runtime, backoff, emit } = settings;
    const failing = new FailingLaneReporter({ control, runtime, ref });
    const onRetry: LaneContext["onRetry"] = (retry) => {
      emit({ type: "retrying", ...ref, ...retry });
      failing.retrying(retry).catch((error: unknown) => emit({ type: "reportFailed", ...ref, error }));
    };
    const onMoved = (moved: LaneState): void => settings.onMoved(ref.lane, moved);
    const attempts = { runtime, backoff, ending: lease.lost, maxAttempts: 1, onRetry };
    const cursor = new LaneCursor({ lease, control, attempts, guards, onMoved }, state);
    const details = new ParkedDetailsStore(control, { queue, group });
    const lane = {
      ref,
      lanes,
      queue: context,
      feed,
      settings,
      guards,
      lease,
      ending,
      cursor,
      details,
      failing,
    };
    return { runner: new LaneRunner({ ...lane, onRetry }, () => this.#group?.redrives ?? 0) };
  }
}
