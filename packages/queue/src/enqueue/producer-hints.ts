import type { Runtime } from "@tuppence/core";
import type { ControlItem, ControlKey, ControlStorage } from "@tuppence/core/leases";
import { queuePartition } from "../names.ts";
import { settleUpdate } from "../settle-update.ts";
import type { Producer, ProducerHint } from "./producer.ts";

/** After so many messages or milliseconds it is said anew where a producer is. */
const HINT_MESSAGES = 1_000;
const HINT_INTERVAL_MS = 10_000;

interface HintPlace {
  readonly control: ControlStorage;
  readonly runtime: Runtime;
}

/** Where it is kept what was last heard of a producer. A hint is there before the producer's first message is. */
export class ProducerHints {
  readonly #place: HintPlace;
  readonly #key: ControlKey;
  /** What was said last, and when. */
  #said = { sequence: 0, atMs: Number.NEGATIVE_INFINITY };
  #saying: Promise<void> | undefined;

  constructor(place: HintPlace, queue: string, producer: string) {
    this.#place = place;
    this.#key = { partition: queuePartition(queue), sort: `producer|${producer}` };
  }

  async find(): Promise<ProducerHint | undefined> {
    const item = await this.#place.control.find(this.#key);
    return item && this.#heard(hintOf(item));
  }

  /**
   * Says for the first time that a producer has no message up to a position; answers what is said then, which another process may
   * have been faster with.
   */
  async begin(position: number): Promise<ProducerHint> {
    const set = { sequence: 0, position };
    const { item } = await settleUpdate(this.#place, { key: this.#key, where: { position: undefined }, set });
    return this.#heard(hintOf(item));
  }

  /** Says now and then where the producer is. That it can't be said now is no matter: the next start reads more. */
  refresh({ sequence, position }: Producer): void {
    const isMuch = sequence - this.#said.sequence >= HINT_MESSAGES;
    const isLong = this.#place.runtime.monotonic() - this.#said.atMs >= HINT_INTERVAL_MS;
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
      const update = { key: this.#key, where: { ...seen }, set: { ...hint } };
      seen = hintOf((await settleUpdate(this.#place, update)).item);
    }
  }

  #heard(hint: ProducerHint): ProducerHint {
    if (hint.sequence >= this.#said.sequence) {
      this.#said = { sequence: hint.sequence, atMs: this.#place.runtime.monotonic() };
    }
    return hint;
  }
}

function hintOf(item: ControlItem | undefined): ProducerHint {
  return { sequence: Number(item?.["sequence"]), position: Number(item?.["position"]) };
}
