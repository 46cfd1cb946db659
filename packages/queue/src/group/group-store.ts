import { backoffMs, pause } from "@tuppence/core";
import { classifyFailure } from "@tuppence/core/failures";
import { leaseKey, UncertainWriteError } from "@tuppence/core/leases";
import { GroupBusyError, GroupMissingError } from "./group-errors.ts";
import { leaseGroupOf, queuePartition } from "../names.ts";
import type { QueueContext } from "../queue-context.ts";
import {
  forgetRetired,
  groupAttributes,
  type GroupDefinition,
  groupOfSort,
  groupSort,
  laneResources,
  readGroup,
} from "./group-definition.ts";

/** Changes of one definition that are tried at a time: others change it, or replies are lost. */
const MAX_SENDS = 10;
const BACKOFF = { baseMs: 25, maxMs: 1_000 };

/** The definitions of a queue's groups, as they are stored. */
export class GroupStore {
  readonly #context: GroupStoreContext;

  constructor(context: GroupStoreContext) {
    this.#context = context;
  }

  /** As it is now; undefined when there is none, or it was deleted. Cost: 1 RCU, strongly consistent. */
  async find(name: string, signal?: AbortSignal): Promise<GroupDefinition | undefined> {
    const group = await this.#load(name, signal);
    return group?.deleted ? undefined : group;
  }

  /** @throws GroupMissingError */
  async get(name: string, signal?: AbortSignal): Promise<GroupDefinition> {
    const group = await this.find(name, signal);
    if (group === undefined) throw new GroupMissingError(this.#context.name, name);
    return group;
  }

  /** Cost: 1 RCU for each 4 KB of what is known of the queue, some 25 groups. */
  async list(): Promise<readonly GroupDefinition[]> {
    const { control, name } = this.#context;
    const items = await control.list(queuePartition(name), { consistency: "strong" });
    return [...items].flatMap(([sort, item]) => {
      const group = groupOfSort(sort);
      const definition = group === undefined ? undefined : readGroup(group, item);
      return definition === undefined || definition.deleted ? [] : [definition];
    });
  }

  /**
   * Makes a change as one conditional write, from whatever is stored by then. A change that answers what it was given changes nothing.
   *
   * @throws GroupBusyError when others change it all the time, or the outcome stays unknown.
   */
  async change(
    name: string,
    next: (
      was: GroupDefinition | undefined,
    ) => GroupDefinition | undefined | Promise<GroupDefinition | undefined>,
  ): Promise<GroupDefinition | undefined> {
    const { control, runtime, name: queue } = this.#context;
    const token = runtime.random().toString(36).slice(2) + runtime.random().toString(36).slice(2);
    let mayBeWritten = false;
    for (let send = 1; ; send++) {
      try {
        const { group: was, token: writer } = await this.#loadWithToken(name);
        // An earlier send of this very change.
        if (mayBeWritten && writer === token) return was;
        const wanted = await next(was);
        if (wanted === undefined || wanted === was) return was;
        const revision = (was?.revision ?? 0) + 1;
        const outcome = await control.update({
          key: { partition: queuePartition(queue), sort: groupSort(name) },
          where: { revision: was?.revision },
          set: { ...groupAttributes(wanted), revision, token },
        });
        if (outcome.applied) return { ...wanted, revision };
        mayBeWritten ||= outcome.resent;
      } catch (error) {
        if (!(error instanceof UncertainWriteError) && classifyFailure(error).kind !== "transient")
          throw error;
        mayBeWritten ||= error instanceof UncertainWriteError && error.mayBeWritten;
        if (send === MAX_SENDS)
          throw new GroupBusyError({ queue, group: name, mayBeWritten }, { cause: error });
      }
      if (send === MAX_SENDS) throw new GroupBusyError({ queue, group: name, mayBeWritten });
      await pause(runtime, backoffMs(send, BACKOFF, runtime.random), new AbortController().signal);
    }
  }

  /**
   * Takes the leases of retired generations away. Whoever still believes to own one can't move it any more: each of its writes
   * expects the item. And who claims one anew looks at the definition before anything is done.
   */
  async cleanUp(group: GroupDefinition): Promise<GroupDefinition | undefined> {
    if (group.retired.length === 0) return group;
    const { control, name: queue } = this.#context;
    const leases = leaseGroupOf(queue, group.name);
    for (const generation of group.retired) {
      for (const resource of laneResources(generation)) await control.delete(leaseKey(leases, resource));
    }
    return this.change(group.name, (was) => was && forgetRetired(was, group.retired));
  }

  async #load(name: string, signal?: AbortSignal): Promise<GroupDefinition | undefined> {
    return (await this.#loadWithToken(name, signal)).group;
  }

  async #loadWithToken(
    name: string,
    signal?: AbortSignal,
  ): Promise<{ readonly group: GroupDefinition | undefined; readonly token: unknown }> {
    const { control, name: queue } = this.#context;
    const item = await control.find({ partition: queuePartition(queue), sort: groupSort(name) }, signal);
    return { group: item && readGroup(name, item), token: item?.["token"] };
  }
}

export type GroupStoreContext = Pick<QueueContext, "name" | "control" | "runtime">;
