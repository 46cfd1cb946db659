import { checkName } from "../names.ts";
import type { QueueContext } from "../queue-context.ts";
import { askRedrive, type RedriveOptions } from "./ask-redrive.ts";
import {
  type BatchConsumeOptions,
  type BatchHandler,
  checkLanes,
  checkStart,
  type ConsumeOptions,
  consumeSettings,
  type ConsumeSettings,
  type MessageConsumeOptions,
  type MessageHandler,
  type StartAt,
  type TransactionConsumeOptions,
  type TransactionHandler,
} from "./consume-options.ts";
import { deliverMessages } from "./deliver-messages.ts";
import type { Delivery } from "./deliveries.ts";
import { GroupConsumer, type QueueConsumer } from "./group-consumer.ts";
import type { GroupEvent } from "./group-event.ts";
import { changeLanes, endGroup, type GroupDefinition, resetGroup } from "./group-definition.ts";
import { GroupBusyError } from "./group-errors.ts";
import { GROUP_GUARDS, type GroupGuards } from "./group-guards.ts";
import { type GroupStatus, lowestNeededBy, readGroupStatus } from "./group-status.ts";
import { GroupStore } from "./group-store.ts";
import { isTakenOver, letGo } from "./group-work.ts";
import { listParked, type ParkedMessage, storedLanes } from "./list-parked.ts";
import { QueueFeed } from "./queue-feed.ts";
import { startPosition } from "./start-position.ts";

export interface MessagesOptions extends Omit<MessageConsumeOptions, "ackEvery"> {
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The consumer groups of a queue: each sees all messages in their order, and has a cursor of its own for each of its lanes. What is handled is
 * handled at least once, and a message that was handled and acknowledged comes never again, whatever crashes.
 */
export interface QueueGroups<Body = unknown> {
  /**
   * Makes a consumer of a group; `start()` begins. Run it in one process or in several: they share the lanes, and each lane has one
   * owner at a time.
   *
   * Cost: 1 WCU for each ack (a message, `ackEvery` messages or a batch), and 1 more for each KB of parked ones a lane has; each lane 1,080 WCU an
   * hour for its lease, each consumer the same for itself. Messages are read once for all lanes and groups of a process; while
   * nothing comes, 0.5 RCU a look.
   *
   * @throws TypeError or RangeError for options that can't be.
   */
  consume(group: string, handler: MessageHandler<Body>, options?: MessageConsumeOptions): QueueConsumer;
  consume(group: string, handler: BatchHandler<Body>, options: BatchConsumeOptions): QueueConsumer;
  consume(
    group: string,
    handler: TransactionHandler<Body>,
    options: TransactionConsumeOptions,
  ): QueueConsumer;

  /**
   * The messages of a group as an iterable, each to be acknowledged: the next one of its lane comes after that. Leaving the loop
   * ends it, and lets the lanes go; what was not acknowledged is delivered again.
   */
  messages(group: string, options?: MessagesOptions): AsyncIterable<Delivery<Body>>;

  /** All groups there are. */
  groups(): Promise<readonly string[]>;

  /** @throws GroupMissingError */
  status(group: string): Promise<GroupStatus>;

  /**
   * What is parked, in the order of the queue, with the reasons. Cost: 1 RCU for each 4 KB.
   *
   * @throws GroupMissingError
   */
  parked(group: string): Promise<readonly ParkedMessage[]>;

  /**
   * Asks for what is parked to be handled after all, in the order of each key, while the group goes on; what fails again stays
   * parked. Answers how many messages that concerns. Their lanes take it up within a third of `leaseDurationMs`, or when they run the
   * next time, and go on with it whatever happens to their owners.
   *
   * @throws GroupMissingError, GroupBusyError, QueueRegionError
   */
  redrive(group: string, options?: RedriveOptions): Promise<number>;

  /**
   * Lets a group begin anew, with nothing parked. Those who own its lanes lose them: what they are at may be handled once more.
   *
   * @throws GroupMissingError, GroupBusyError, QueueTrimmedError, QueueRegionError
   */
  reset(group: string, options: { readonly to: StartAt }): Promise<void>;

  /**
   * Changes the number of lanes: each lane ends where it is, and the new ones go on from there, the order of each key kept.
   * Parked messages go along. Consumers that run follow within a third of `leaseDurationMs`, when what they are at is done.
   *
   * @throws GroupMissingError; GroupBusyError while another such change is under way; QueueRegionError
   */
  changeLanes(group: string, lanes: number): Promise<void>;

  /**
   * Ends a group: consumers that run do nothing any more. One that is started later makes it anew.
   *
   * @throws GroupMissingError, GroupBusyError, QueueRegionError
   */
  deleteGroup(group: string): Promise<void>;
}

/** What is not for applications. */
export interface InnerGroups {
  /** A consumer with settings that no option sets. */
  readonly consumeWith: (
    group: string,
    handler: unknown,
    options: ConsumeOptions,
    settings?: Partial<ConsumeSettings>,
  ) => GroupConsumer;
  /** The lowest position that any group needs, infinite when there is no group. */
  readonly lowestNeeded: () => Promise<number>;
}

export function createQueueGroups<Body>(
  context: QueueContext,
  guards: GroupGuards = GROUP_GUARDS,
): { readonly groups: QueueGroups<Body>; readonly inner: InnerGroups } {
  const { name: queue, runtime } = context;
  const groups = new GroupStore(context);
  const feed = new QueueFeed(context);
  const consumers = new Map<string, Set<GroupConsumer>>();
  const wake = (group: string): void => {
    for (const consumer of consumers.get(group) ?? []) consumer.wake();
  };

  function consumeWith(
    group: string,
    handler: unknown,
    options: ConsumeOptions,
    settings: Partial<ConsumeSettings> = {},
  ): GroupConsumer {
    checkName("a group", group);
    const all = { ...consumeSettings(handler, options, runtime), ...settings };
    const own = consumers.get(group) ?? new Set();
    consumers.set(group, own);
    const consumer: GroupConsumer = new GroupConsumer({
      group,
      context,
      settings: all,
      groups,
      feed,
      guards,
      onStarted: () => own.add(consumer),
      onStopped: () => own.delete(consumer),
    });
    return consumer;
  }

  /** Changes a group's definition, and takes away what it makes superfluous. */
  async function change(group: string, next: (was: GroupDefinition) => GroupDefinition): Promise<void> {
    await context.checkRegion();
    await groups.get(group);
    const changed = await groups.change(group, (was) => (was === undefined || was.deleted ? was : next(was)));
    if (changed) await groups.cleanUp(changed);
    wake(group);
  }

  const inner: InnerGroups = {
    consumeWith,
    async lowestNeeded() {
      const needed = (await groups.list()).map((group) => lowestNeededBy(context, group));
      return Math.min(...(await Promise.all(needed)));
    },
  };

  return {
    inner,
    groups: {
      consume: (group: string, handler: unknown, options: ConsumeOptions = {}) =>
        consumeWith(group, handler, options),
      messages: (group, { signal, ...options }: MessagesOptions = {}) =>
        deliverMessages(({ handler, onMoved, onEvent }) => {
          const emit = (event: GroupEvent): void => {
            onEvent(event);
            options.onEvent?.(event);
          };
          return consumeWith(group, handler, { ...options, onEvent: emit }, { onMoved });
        }, signal) as AsyncIterable<Delivery<Body>>,
      groups: async () => (await groups.list()).map(({ name }) => name),
      status: async (group) => readGroupStatus(context, await groups.get(group)),
      parked: async (group) => listParked(context, await groups.get(group)),
      async redrive(group, options = {}) {
        const count = await askRedrive({ context, groups }, group, options);
        wake(group);
        return count;
      },
      async reset(group, { to }) {
        checkStart(to);
        const after = await startPosition(context, to);
        await change(group, (was) => resetGroup(was, after));
      },
      async changeLanes(name, lanes) {
        checkLanes(lanes);
        await context.checkRegion();
        const group = await groups.get(name);
        if (group.previous && isTakenOver(await storedLanes(context, group))) await letGo(groups, group);
        await change(name, (was) => {
          const next = changeLanes(was, lanes);
          if (next === "busy") throw new GroupBusyError({ queue, group: name, mayBeWritten: false });
          return next;
        });
      },
      deleteGroup: (group) => change(group, endGroup),
    },
  };
}
