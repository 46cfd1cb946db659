import type { ControlItem, ControlKey, ControlStorage } from "@tuppence/core/leases";
import { parkedPartition } from "../names.ts";

/** One time that a message could not be handled. */
export interface ParkedFailure {
  readonly at: Date;
  readonly error: string;
  /** How often it was tried before it was given up this time. */
  readonly attempts: number;
}

/** Of those that are kept of a message. */
const MAX_FAILURES = 10;

/** What is known of a message that could not be handled, beside that it is parked: that says the state of its lane alone. */
export interface ParkedDetails {
  readonly position: number;
  readonly key: string | undefined;
  /** The newest last; the last 10 of them. */
  readonly failures: readonly ParkedFailure[];
  /** What somebody asked for, until the lane has taken it in. */
  readonly asked: { readonly what: "apply" | "skip"; readonly request: number } | undefined;
}

/** Why messages of a group are parked, as it is stored: put before the lane's state says that they are, or not used. */
export class ParkedDetailsStore {
  readonly #control: ControlStorage;
  readonly #partition: string;

  constructor(control: ControlStorage, place: { readonly queue: string; readonly group: string }) {
    this.#control = control;
    this.#partition = parkedPartition(place.queue, place.group);
  }

  /** All of the group. Cost: 1 RCU for each 4 KB, strongly consistent. */
  async list(signal?: AbortSignal): Promise<readonly ParkedDetails[]> {
    const items = await this.#control.list(this.#partition, { consistency: "strong", signal });
    return [...items].map(([sort, item]) => readDetails(sort, item));
  }

  /** Adds a failure to what is known of a message. Repeated after a lost reply, it is there once. Cost: 1 RCU and 1 WCU. */
  async failed(
    message: { readonly position: number; readonly key: string | undefined },
    failure: ParkedFailure,
    signal: AbortSignal,
  ): Promise<void> {
    const key = this.#key(message.position);
    const item = await this.#control.find(key, signal);
    const known = item === undefined ? [] : readDetails(key.sort, item).failures;
    const earlier = known.filter(({ at }) => at.getTime() !== failure.at.getTime());
    const failures = [...earlier, failure].slice(-MAX_FAILURES);
    const set = { key: message.key, failures: failuresText(failures) };
    await this.#control.update({ key, where: {}, set }, signal);
  }

  /** Asks for a message. Cost: 1 WCU. */
  async ask(position: number, what: "apply" | "skip", request: number): Promise<void> {
    await this.#control.update({ key: this.#key(position), where: {}, set: { asked: what, request } });
  }

  /** What was asked for is in the lane's state. What somebody asked for since is not. */
  async taken(position: number, request: number, signal: AbortSignal): Promise<void> {
    const set = { asked: undefined, request: undefined };
    await this.#control.update({ key: this.#key(position), where: { request }, set }, signal);
  }

  /** The message is parked no more. */
  async remove(position: number, signal?: AbortSignal): Promise<void> {
    await this.#control.delete(this.#key(position), signal);
  }

  #key(position: number): ControlKey {
    return { partition: this.#partition, sort: String(position).padStart(16, "0") };
  }
}

function failuresText(failures: readonly ParkedFailure[]): string {
  return JSON.stringify(failures.map(({ at, error, attempts }) => [at.getTime(), attempts, error]));
}

function readDetails(sort: string, item: ControlItem): ParkedDetails {
  const { key, failures = "[]", asked, request } = item;
  const stored = JSON.parse(String(failures)) as [number, number, string][];
  return {
    position: Number(sort),
    key: key === undefined ? undefined : String(key),
    failures: stored.map(([at, attempts, error]) => ({ at: new Date(at), attempts, error })),
    asked: asked === "apply" || asked === "skip" ? { what: asked, request: Number(request) } : undefined,
  };
}
