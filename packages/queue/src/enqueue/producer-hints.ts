import type { Runtime } from "@tuppence/core";
import { type ControlKey, type ControlStorage, UncertainWriteError } from "@tuppence/core/leases";
import { queuePartition } from "../names.ts";
import type { Producer, ProducerHint } from "./producer.ts";

/** After so many messages or milliseconds it is said anew where a producer is. */
const HINT_MESSAGES = 1_000;
const HINT_INTERVAL_MS = 10_000;

/** Where it is kept what was last heard of a producer. A hint is there before the producer's first message is. */
export class ProducerHints {
  readonly #control: ControlStorage;
  readonly #runtime: Runtime;
  readonly #key: ControlKey;
  /** What was said last, and when. */
  #said = { sequence: 0, atMs: Number.NEGATIVE_INFINITY };
  #saying: Promise<void> | undefined;

  constructor(
    { control, runtime }: { readonly control: ControlStorage; readonly runtime: Runtime },
    queue: string,
    producer: string,
  ) {
    this.#control = control;
    this.#runtime = runtime;
    this.#key = { partition: queuePartition(queue), sort: `producer|${producer}` };
  }

  async find(): Promise<ProducerHint | undefined> {
    const item = await this.#control.find(this.#key);
    return item && this.#heard({ sequence: Number(item["sequence"]), position: Number(item["position"]) });
  }

  /**
   * Says for the first time that a producer has no message up to a position; answers what is said then, which another process may
   * have been faster with.
   */
  async begin(position: number): Promise<ProducerHint> {
    const hint = { sequence: 0, position };
    const where = { position: undefined };
    try {
      const { applied } = await this.#control.update({ key: this.#key, where, set: hint });
      if (applied) return this.#heard(hint);
    } catch (error) {
      if (!(error instanceof UncertainWriteError)) throw error;
      // Whether it was written or not, a read tells; if not, the caller is told what kept it away.
      const found = await this.find();
      if (found === undefined) throw error.cause;
      return found;
    }
    return (await this.find()) ?? this.begin(position);
  }

  /** Says now and then where the producer is. That it can't be said now is no matter: the next start reads more. */
  refresh({ sequence, position }: Producer): void {
    const isMuch = sequence - this.#said.sequence >= HINT_MESSAGES;
    const isLong = this.#runtime.monotonic() - this.#said.atMs >= HINT_INTERVAL_MS;
    if (this.#saying !== undefined || !(isMuch || isLong)) return;
    this.#saying = this.#save({ sequence, position })
      .catch(() => undefined)
      .finally(() => {
        this.#saying = undefined;
      });
  }

  /** Says where the producer is, unless that was said. */
  async close({ sequence, position }: Producer): Promise<void> {
    await this.#saying;
    if (sequence > this.#said.sequence) await this.#save({ sequence, position });
  }

  /** Says something newer, unless somebody has. */
  async #save(hint: ProducerHint): Promise<void> {
    this.#heard(hint);
    let seen = await this.find();
    while (seen !== undefined && seen.position < hint.position) {
      const { position, sequence } = seen;
      const { applied } = await this.#control.update({
        key: this.#key,
        where: { position, sequence },
        set: { ...hint },
      });
      if (applied) break;
      seen = await this.find();
    }
  }

  #heard(hint: ProducerHint): ProducerHint {
    if (hint.sequence >= this.#said.sequence) {
      this.#said = { sequence: hint.sequence, atMs: this.#runtime.monotonic() };
    }
    return hint;
  }
}
