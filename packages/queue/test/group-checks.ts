import type { ControlItem } from "@tuppence/core/leases";
import { type GroupDefinition, parseLaneResource, readGroup } from "../src/group/group-definition.ts";
import { laneOf } from "../src/group/lane-of.ts";
import { decodeLaneState, keyOfParked, type LaneState, wasDone } from "../src/group/lane-state.ts";
import type { FailurePolicy } from "../src/index.ts";
import type { Message } from "../src/message.ts";
import type { CarriedOut } from "@tuppence/test-support/world";

/** What is known of one message since the group was reset last. */
interface Fate {
  effects: number;
  /** Somebody asked for it to be left out, or the policy did. */
  isLeftOut: boolean;
}

/** Holds what happens to a group against what it promises, at each moment. */
export class GroupChecks {
  readonly problems: string[] = [];
  readonly counts = { handled: 0, again: 0, parked: 0, redriven: 0, resets: 0, laneChanges: 0, takeovers: 0 };
  readonly messages: Message[] = [];
  readonly lanes = new Map<string, LaneState>();
  group: GroupDefinition | undefined;
  readonly #policy: FailurePolicy;
  readonly #isTransaction: boolean;
  readonly #time: () => number;
  /** Since the last reset, by position. */
  #fates = new Map<number, Fate>();
  /** The first generation since the last reset. */
  #epoch = 0;
  #after = 0;
  readonly #laneCounts = new Map<number, number>();

  constructor(means: {
    readonly policy: FailurePolicy;
    readonly isTransaction: boolean;
    readonly time: () => number;
  }) {
    this.#policy = means.policy;
    this.#isTransaction = means.isTransaction;
    this.#time = means.time;
  }

  /** Everything that one request changed. `also` are the positions of what was written with it. */
  written(done: readonly CarriedOut[], also: readonly object[]): void {
    for (const { key, before, after } of done) {
      if (key.partition.startsWith("QUEUE|") && key.sort.startsWith("group|")) this.#defined(after);
      if (key.partition.startsWith("LEASE|"))
        this.#leased(key.sort, {
          before,
          after,
          also: also as { readonly position: number }[],
        });
    }
  }

  /** A handler was there. */
  handled(position: number, generation: number): void {
    if (generation < this.#epoch) return;
    const message = this.messages[position - 1];
    if (message === undefined) return this.#problem(`${position} was never enqueued`);
    const fate = this.#fateOf(position);
    fate.effects++;
    this.counts.handled++;
    if (fate.effects > 1) this.counts.again++;
    if (fate.effects > 1 && this.#isTransaction) this.#problem(`${position} was done twice`);
    if (fate.effects === 1) this.#checkOrder(message);
  }

  leftOut(position: number): void {
    this.#fateOf(position).isLeftOut = true;
  }

  /** Nothing of the group needs what is below this. */
  needed(position: number): void {
    if (this.group === undefined) return;
    for (const { position: each } of this.messages) {
      if (each > this.#after && each < position && !this.#isOver(each)) {
        this.#problem(`${each} is not needed, and not done`);
      }
    }
  }

  get parkedNow(): number {
    return [...this.lanes.values()].reduce(
      (count, { parked }) => count + [...parked.values()].flat().length,
      0,
    );
  }

  /** What keeps the group from being at rest. */
  whatIsLeft(): string {
    const { group } = this;
    if (group === undefined) return "there is no group";
    if (group.previous || group.retired.length > 0) return "lanes are being changed";
    const left = Array.from({ length: group.current.lanes }, (_, lane) => {
      const resource = `${group.current.number}/${lane}`;
      const state = this.lanes.get(resource);
      if (state === undefined) return `${resource} was not begun`;
      if (state.parked.size > 0) return `${resource} has parked ones`;
      return state.done < this.messages.length ? `${resource} is at ${state.done}` : "";
    });
    return left.filter((each) => each !== "").join(", ");
  }

  checkEnd(): void {
    for (const { position } of this.messages) {
      if (position <= this.#after) continue;
      const { effects, isLeftOut } = this.#fateOf(position);
      if (effects === 0 && !isLeftOut) this.#problem(`${position} was lost`);
    }
  }

  #fateOf(position: number): Fate {
    const fate = this.#fates.get(position) ?? { effects: 0, isLeftOut: false };
    this.#fates.set(position, fate);
    return fate;
  }

  #isOver(position: number): boolean {
    const { effects, isLeftOut } = this.#fateOf(position);
    return effects > 0 || isLeftOut;
  }

  #defined(item: ControlItem | undefined): void {
    const before = this.group;
    const after = item && readGroup("g", item);
    this.group = after;
    if (after === undefined || after.current.number === before?.current.number) return;
    this.#laneCounts.set(after.current.number, after.current.lanes);
    if (after.previous !== undefined) this.counts.laneChanges++;
    else {
      if (before !== undefined) this.counts.resets++;
      this.#epoch = after.current.number;
      this.#after = after.after;
      this.#fates = new Map();
    }
  }

  #leased(
    resource: string,
    write: {
      readonly before: ControlItem | undefined;
      readonly after: ControlItem | undefined;
      readonly also: readonly { readonly position: number }[];
    },
  ): void {
    const before = stateOf(write.before);
    const after = stateOf(write.after);
    if (write.after?.["epoch"] !== write.before?.["epoch"]) this.counts.takeovers++;
    const { generation, lane } = parseLaneResource(resource);
    for (const { position } of write.also) this.handled(position, generation);
    if (after === undefined) this.lanes.delete(resource);
    else this.lanes.set(resource, after);
    if (
      generation < this.#epoch ||
      after === undefined ||
      write.after?.["position"] === write.before?.["position"]
    )
      return;
    if (before?.sealed) this.#problem(`${resource} moved when it was sealed`);
    const from = before ?? this.#beginning(resource, after);
    if (after.done < from.done) this.#problem(`${resource} went back from ${from.done} to ${after.done}`);
    this.#checkPassed({ resource, lane, lanes: this.#laneCounts.get(generation) ?? 0 }, from, after);
  }

  /** A lane that begins has nothing done that it was not given. */
  #beginning(resource: string, after: LaneState): LaneState {
    const lowest = this.group?.previous === undefined ? this.group?.after : undefined;
    if (lowest !== undefined && after.done !== lowest) {
      this.#problem(`${resource} began at ${after.done}, not at ${lowest}`);
    }
    // Of lanes before, all that is below the lowest cursor has to be over: that is looked at as if it were passed now.
    return { ...after, done: this.#after, parked: new Map(), before: undefined };
  }

  #checkPassed(
    { resource, lane, lanes }: { readonly resource: string; readonly lane: number; readonly lanes: number },
    from: LaneState,
    to: LaneState,
  ): void {
    for (const message of this.messages.slice(this.#after, to.done)) {
      const { position } = message;
      const isParked = keyOfParked(to, position) !== undefined;
      const wasParked = keyOfParked(from, position) !== undefined;
      if (isParked && !wasParked) {
        this.counts.parked++;
        if (position <= from.done && this.#isOver(position))
          this.#problem(`${position} was parked when it was done`);
      }
      if (wasParked && !isParked) this.counts.redriven++;
      if (isParked || laneOf(message, lanes) !== lane) continue;
      const isPassed = position > from.done && position <= to.done;
      // What waits in a lane beside, single ones that went along, is not lost.
      const isElsewhere = [...this.lanes.values()].some(
        (state) => keyOfParked(state, position) !== undefined,
      );
      if ((isPassed || wasParked) && !this.#isOver(position) && !isElsewhere && !wasDone(to, message)) {
        this.#problem(`${resource} passed ${position}, which is neither done nor parked`);
      }
    }
  }

  /** A message is handled for the first time: those of its key before it are over, or were put aside by themselves. */
  #checkOrder(message: Message): void {
    if (message.key === undefined) return;
    for (const { position, key } of this.messages.slice(this.#after, message.position - 1)) {
      if (key !== message.key || this.#isOver(position)) continue;
      if (this.#policy === "parkMessage") continue;
      this.#problem(`${message.position} of ${key} was done before ${position}`);
    }
  }

  #problem(what: string): void {
    this.problems.push(`at ${Math.round(this.#time())}: ${what}`);
  }
}

function stateOf(item: ControlItem | undefined): LaneState | undefined {
  const position = item?.["position"];
  return position === undefined ? undefined : decodeLaneState(String(position));
}
