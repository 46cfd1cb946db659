import { type Consistency, type EventStore, LinkedAbort, pause, type Runtime } from "@tuppence/core";
import type { Lease, LeaseGroup } from "@tuppence/core/leases";
import { buildName, slotResource } from "../builds/names.ts";
import type { Build, Registration } from "../builds/registration.ts";
import { createRegistry, type Registry } from "../builds/registry.ts";
import { isDue, listRetired, retireBuild } from "../builds/retire-build.ts";
import type { RetiredBuild } from "../builds/retired-build.ts";
import { readSlotLeases } from "../builds/slot-leases.ts";
import type { Projection } from "../definition/projection.ts";
import type { Attempts } from "@tuppence/core/failures";
import type { ProjectionGuards } from "../run/guards.ts";
import type { ProjectionEvent } from "../run/projection-event.ts";
import { SlotPosition } from "../run/slot-position.ts";
import { SlotReporter } from "../run/slot-reporter.ts";
import { SlotRunner } from "../run/slot-runner.ts";
import type { LogSource } from "../run/log-window.ts";
import type { ProjectionStorage } from "../storage/projection-storage.ts";

/** How long a build stays after this worker first saw that it is not needed, in milliseconds, by its own clock. */
const RETIRE_SEEN_MS = 10_000;

/** A process that runs projections, alone or with others that share their slots. */
export interface ProjectionWorker extends AsyncDisposable {
  /** How this process is called as an owner of slots. */
  readonly workerId: string;
  /** Begins. @throws TypeError when it was started before. */
  start(): void;
  /**
   * Finishes what is under way, stores all positions, and lets the slots go to others. What is not done after `drainMs` (default
   * 10,000) is given up, to be done again by others.
   */
  stop(options?: { readonly drainMs?: number | undefined }): Promise<void>;
  /**
   * Waits until all slots of its projections, whoever owns them, have stored a position that is not below this one (default: where
   * the log ends now), and what was built beside a live build has taken its place; paused projections don't count. Cost: 2 RCU
   * and more for each look, ten a second.
   *
   * @throws the signal's reason.
   */
  reached(options?: ReachedOptions): Promise<void>;
}

/** What to wait for, and how long. */
interface ReachedOptions {
  readonly position?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How often `reached` looks, in milliseconds. */
const REACHED_LOOK_MS = 100;

/** What a worker is made of. */
export interface WorkerParts {
  readonly projections: readonly Projection[];
  readonly store: EventStore;
  readonly storage: ProjectionStorage;
  readonly leases: LeaseGroup;
  readonly runtime: Runtime;
  readonly guards: ProjectionGuards;
  readonly log: LogSource;
  readonly checkpointIntervalMs: number;
  readonly parkedLookMs: number;
  readonly emit: (event: ProjectionEvent) => void;
}

/** A slot that is to be run, or a build to be taken away. */
type Resource = SlotResource | { readonly retired: RetiredBuild };

interface SlotResource {
  readonly projection: Projection;
  readonly build: Build;
  readonly slot: number;
  readonly startPosition: number;
}

export class StoredProjectionWorker implements ProjectionWorker {
  readonly #parts: WorkerParts;
  readonly #registry: Registry;
  readonly #registrations = new Map<string, Registration>();
  readonly #retiredSince = new Map<string, number>();
  #resources: ReadonlyMap<string, Resource> = new Map();

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#registry = createRegistry({ storage: parts.storage.control, runtime: parts.runtime });
  }

  get workerId(): string {
    return this.#parts.leases.workerId;
  }

  start(): void {
    this.#parts.leases.start({
      resources: () => this.#lookForWork(),
      run: (lease) => this.#run(lease),
    });
  }

  stop(options?: { readonly drainMs?: number | undefined }): Promise<void> {
    return this.#parts.leases.stop(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async reached({
    position,
    signal = new AbortController().signal,
    isExcused = () => false,
  }: ReachedOptions & {
    /** Builds with slots that are not waited for. */
    readonly isExcused?: ((resource: string) => boolean) | undefined;
  } = {}): Promise<void> {
    const { storage, runtime } = this.#parts;
    const wanted = position ?? (await this.#parts.store.logEnd());
    for (;;) {
      signal.throwIfAborted();
      const slots = [...(await this.#slotsToRun("strong"))];
      const leases = await readSlotLeases(storage.control, "strong");
      const isBehind = slots.some(([resource, { startPosition }]) => {
        const stored = leases.get(resource)?.["position"];
        return !isExcused(resource) && Number(stored ?? startPosition) < wanted;
      });
      const halted = new Set(slots.flatMap(([resource, { build }]) => (isExcused(resource) ? [build] : [])));
      const isToFlip = slots.some(
        ([, { projection, build }]) => this.#isNext(projection.name, build.number) && !halted.has(build),
      );
      if (!isBehind && !isToFlip) return;
      await pause(runtime, REACHED_LOOK_MS, signal);
    }
  }

  /** What there is to do for the projections of this worker now. */
  async #lookForWork(): Promise<readonly string[]> {
    const { storage } = this.#parts;
    const resources = new Map<string, Resource>(await this.#slotsToRun("eventual"));
    for (const retired of await listRetired(storage.control)) {
      if (this.#isToRetire(retired)) {
        resources.set(`${buildName(retired.projection, retired.number)}!`, { retired });
      }
    }
    this.#resources = resources;
    return [...resources.keys()];
  }

  async #slotsToRun(consistency: Consistency): Promise<ReadonlyMap<string, SlotResource>> {
    for (const registration of await this.#registry.list(consistency)) this.#learn(registration);
    const resources = new Map<string, SlotResource>();
    for (const projection of this.#parts.projections) {
      const registration = await this.#registrationOf(projection);
      if (registration === undefined || registration.paused) continue;
      const { live, next, startPosition } = registration;
      for (const build of [live, next]) {
        if (build?.version !== projection.version) continue;
        for (let slot = 0; slot < build.slots; slot++) {
          const resource = slotResource(projection.name, build.number, slot);
          resources.set(resource, { projection, build, slot, startPosition });
        }
      }
    }
    return resources;
  }

  #learn(registration: Registration): void {
    const known = this.#registrations.get(registration.name);
    // What an eventually consistent read says may be older.
    if (known === undefined || known.revision < registration.revision) {
      this.#registrations.set(registration.name, registration);
    }
  }

  /** Undefined when it can't be registered, which is told. */
  async #registrationOf(projection: Projection): Promise<Registration | undefined> {
    const { name, version, slots, kind } = projection;
    const known = this.#registrations.get(name);
    const stored = known && [known.live, known.next].find((build) => build?.version === version);
    const isKnown = stored?.slots === slots && known?.kind === kind;
    const isOlder = known !== undefined && version < known.live.version;
    if (isKnown || isOlder) return known;
    try {
      const registration = await this.#registry.register(projection, () => this.#parts.store.logEnd());
      this.#learn(registration);
      return registration;
    } catch (error) {
      this.#parts.emit({ type: "registrationFailed", projection: name, error });
      return undefined;
    }
  }

  /** Whether a build is to be taken away, and can be by this worker. */
  #isToRetire(retired: RetiredBuild): boolean {
    const { projections, runtime } = this.#parts;
    const isKnown = projections.some(({ name }) => name === retired.projection);
    if (!isDue(retired, runtime.now()) || (retired.kind === "handler" && !isKnown)) return false;
    const now = runtime.monotonic();
    const name = buildName(retired.projection, retired.number);
    const since = this.#retiredSince.get(name) ?? now;
    this.#retiredSince.set(name, since);
    return now - since >= RETIRE_SEEN_MS;
  }

  async #run(lease: Lease): Promise<void> {
    const resource = this.#resources.get(lease.resource);
    if (resource === undefined) return;
    if ("retired" in resource) return this.#retire(resource.retired, lease);
    using ending = new LinkedAbort(lease.release, lease.lost);
    await this.#runSlot(resource, { lease, ending: ending.signal });
  }

  async #retire(retired: RetiredBuild, lease: Lease): Promise<void> {
    const { storage, runtime, projections, emit } = this.#parts;
    const definition = projections.find(({ name }) => name === retired.projection);
    const isDone = await retireBuild(retired, { storage, runtime, definition, signal: lease.lost });
    if (!isDone) return;
    const { projection, number: build } = retired;
    emit({ type: "retired", projection, build });
    await lease.finish("retired");
  }

  async #runSlot(
    { projection, build, slot, startPosition }: SlotResource,
    { lease, ending }: { readonly lease: Lease; readonly ending: AbortSignal },
  ): Promise<void> {
    const { storage, runtime, guards, emit, log, checkpointIntervalMs, parkedLookMs } = this.#parts;
    const ref = { projection: projection.name, build: build.number, slot };
    const reporter = new SlotReporter({ control: storage.control, slot: ref, runtime });
    const onRetry: Attempts["onRetry"] = (retry) => {
      emit({ type: "retrying", ...ref, ...retry });
      reporter.retrying(retry);
    };
    const registration = (): Registration | undefined => this.#registrations.get(projection.name);
    const position = new SlotPosition({
      lease,
      storage,
      attempts: { runtime, ending: lease.lost, maxAttempts: 1, onRetry },
      fences: guards.fences,
      startPosition,
    });
    const context = {
      slot: ref,
      slots: build.slots,
      version: build.version,
      storage,
      runtime,
      guards,
      lease,
      ending,
      position,
      isLive: () => registration()?.live.number === build.number,
      onRetry,
    };
    const runner = new SlotRunner(context, {
      projection,
      log,
      checkpointIntervalMs,
      parkedLookMs,
      reporter,
      emit,
      onCaughtUp: () => this.#flip(projection.name, build.number),
      rate: () => (registration()?.next?.number === build.number ? registration()?.nextRate : undefined),
    });
    await runner.run();
  }

  #isNext(name: string, build: number): boolean {
    return this.#registrations.get(name)?.next?.number === build;
  }

  /** Makes a build live once it is as far as the one that is. */
  async #flip(name: string, build: number): Promise<void> {
    if (!this.#isNext(name, build)) return;
    if (!(await this.#registry.flip(name, build))) return;
    const registration = await this.#registry.find(name);
    if (registration) this.#learn(registration);
    this.#parts.emit({ type: "flipped", projection: name, build });
    this.#parts.leases.wake();
  }
}
