import type { Runtime } from "@tuppence/core";
import type { ControlStorage } from "@tuppence/core/leases";
import { ProjectionMissingError } from "../errors.ts";
import { REGISTRATIONS } from "./names.ts";
import { type Registration, readRegistration } from "./registration.ts";

/** How old what is known of a registration may be where readers go by it, in milliseconds. */
const REGISTRATION_MAX_AGE_MS = 1_000;

/** Registrations as this process knows them: which builds its readers see. Readers and waits that share one agree. */
export class KnownRegistrations {
  readonly #control: ControlStorage;
  readonly #runtime: Runtime;
  /** One for each projection that was asked for. `readAt`: when the read began. */
  readonly #known = new Map<string, { readonly registration: Registration; readonly readAt: number }>();

  constructor({ control, runtime }: { readonly control: ControlStorage; readonly runtime: Runtime }) {
    this.#control = control;
    this.#runtime = runtime;
  }

  /**
   * A registration, at most `REGISTRATION_MAX_AGE_MS` old. Cost: 1 RCU when that has passed.
   *
   * @throws ProjectionMissingError when there is none.
   */
  async recent(name: string, signal?: AbortSignal): Promise<Registration> {
    const known = this.#known.get(name);
    if (known !== undefined && this.#isRecent(known.readAt)) return known.registration;
    const registration = await this.current(name, signal);
    if (registration === undefined) throw new ProjectionMissingError(name);
    return registration;
  }

  /**
   * A registration as it is now, undefined when there is none; `recent` tells of it, or of a later one, from then on. Cost: 1 RCU,
   * strongly consistent.
   */
  async current(name: string, signal?: AbortSignal): Promise<Registration | undefined> {
    const readAt = this.#runtime.monotonic();
    const item = await this.#control.find({ partition: REGISTRATIONS, sort: name }, signal);
    if (item === undefined) {
      this.#known.delete(name);
      return undefined;
    }
    const registration = readRegistration(name, item);
    const known = this.#known.get(name);
    // Another read may have overtaken this one.
    const isBehind = known !== undefined && known.registration.revision > registration.revision;
    if (!isBehind || !this.#isRecent(known.readAt)) this.#known.set(name, { registration, readAt });
    return registration;
  }

  #isRecent(readAt: number): boolean {
    return this.#runtime.monotonic() - readAt < REGISTRATION_MAX_AGE_MS;
  }
}
