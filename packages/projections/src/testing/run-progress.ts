import { AssertionError } from "node:assert";
import type { Projection } from "../definition/projection.ts";
import type { ProjectionEvent } from "../run/projection-event.ts";

/** How far projections are, and what went wrong, by what their worker tells. */
export class RunProgress {
  readonly #projections: readonly Projection[];
  /** By slots. */
  readonly #positions = new Map<string, number>();
  /** What keeps a projection from getting on. */
  readonly #stuck = new Map<string, { readonly what: string; readonly cause: unknown }>();
  /** What was left out of it, by places. */
  readonly #left = new Map<string, { readonly what: string; readonly cause?: unknown }>();
  #waiting: (() => void)[] = [];

  constructor(projections: readonly Projection[]) {
    this.#projections = projections;
  }

  note(event: ProjectionEvent): void {
    switch (event.type) {
      case "slotStarted":
      case "batchHandled":
      case "caughtUp":
        this.#reached(`${event.projection}#${event.slot}`, event);
        break;
      case "parked":
        if (event.event.reason === "failed") this.#leave(event, event.event.position, event.event.error);
        break;
      case "skipped":
        this.#leave(event, event.position, event.error);
        break;
      case "replayed":
        this.#left.delete(`${event.projection} ${event.event.position}`);
        break;
      case "halted":
        this.#stop(event.projection, `stands still at event ${event.position}`, event.error);
        break;
      case "registrationFailed":
        this.#stop(event.projection, "can't be registered", event.error);
        break;
      case "lease":
        if (event.event.type === "runFailed") {
          const { resource, error } = event.event;
          this.#stop(resource.slice(0, resource.lastIndexOf("@")), "could not be run", error);
        }
    }
    this.wake();
  }

  /** @throws AssertionError when a projection does not get on. */
  throwIfStuck(): void {
    for (const [name, { what, cause }] of this.#stuck) throw failure(`projection ${name} ${what}`, cause);
  }

  /** @throws AssertionError when events were left out since the last call. */
  throwIfLeft(): void {
    const [first, ...others] = this.#left.values();
    this.#left.clear();
    if (first === undefined) return;
    const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
    throw failure(`${first.what}${more}`, first.cause);
  }

  /** The slots that are not as far yet. */
  behind(position: number): readonly string[] {
    return this.#projections.flatMap(({ name, slots }) =>
      Array.from({ length: slots }, (_, slot) => `${name}#${slot}`).filter(
        (slot) => (this.#positions.get(slot) ?? -1) < position,
      ),
    );
  }

  /** Until something is told, or somebody is woken. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #reached(
    slot: string,
    { projection, position }: { readonly projection: string; readonly position: number },
  ): void {
    if (position > (this.#positions.get(slot) ?? -1)) {
      this.#positions.set(slot, position);
      this.#stuck.delete(projection);
    }
  }

  #leave(
    { projection, type }: ProjectionEvent & { readonly projection: string },
    position: number,
    error: unknown,
  ): void {
    const what = `projection ${projection} has ${type} event ${position}: ${String(error)}`;
    this.#left.set(`${projection} ${position}`, { what, cause: error });
  }

  #stop(projection: string, what: string, cause: unknown): void {
    this.#stuck.set(projection, { what: `${what}: ${String(cause)}`, cause });
  }
}

export function failure(message: string, cause: unknown): AssertionError {
  const error = new AssertionError({ message });
  if (cause instanceof Error) error.cause = cause;
  return error;
}
