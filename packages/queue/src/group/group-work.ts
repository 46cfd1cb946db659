import type { QueueContext } from "../queue-context.ts";
import type { ConsumeSettings } from "./consume-options.ts";
import {
  beginGroup,
  changeLanes,
  type GroupDefinition,
  laneResource,
  laneResources,
  letGoOfPrevious,
} from "./group-definition.ts";
import type { GroupStore } from "./group-store.ts";
import type { GroupGuards } from "./group-guards.ts";
import { type StoredLanes, storedLanes } from "./list-parked.ts";

/** What is to be done for a group now. */
export interface GroupWork {
  readonly group: GroupDefinition | undefined;
  /** The lanes to be shared out. */
  readonly resources: readonly string[];
}

/** Whether all that the lanes before knew is in the current ones. */
export function isTakenOver({ current }: Pick<StoredLanes, "current">): boolean {
  return current.every(({ state }) => state !== undefined && state.before === undefined);
}

/** Lets go of the generation before the current one, which has taken over from it. */
export function letGo(
  groups: GroupStore,
  { name, current: { number } }: GroupDefinition,
): Promise<GroupDefinition | undefined> {
  return groups.change(name, (was) => (was?.current.number === number ? letGoOfPrevious(was) : was));
}

/** Finds out what a group's consumers are to work on, and takes each step of a change that can be taken. */
export class GroupPlan {
  readonly #name: string;
  readonly #groups: GroupStore;
  readonly #settings: Pick<ConsumeSettings, "lanes" | "runtime">;
  readonly #context: QueueContext;
  readonly #waitsForSeals: boolean;
  /** Whether the lanes that this consumer was started with are still to be changed to. */
  #isToChangeLanes: boolean;

  constructor(
    name: string,
    means: {
      readonly groups: GroupStore;
      readonly settings: Pick<ConsumeSettings, "lanes" | "runtime">;
      readonly guards: Pick<GroupGuards, "waitsForSeals">;
      readonly context: QueueContext;
    },
  ) {
    this.#name = name;
    this.#groups = means.groups;
    this.#settings = means.settings;
    this.#context = means.context;
    this.#waitsForSeals = means.guards.waitsForSeals;
    this.#isToChangeLanes = means.settings.lanes !== undefined;
  }

  /** Makes the group if there is none. */
  async begin(after: () => Promise<number>): Promise<void> {
    const { lanes = 1, runtime } = this.#settings;
    await this.#groups.change(this.#name, async (was) =>
      was === undefined || was.deleted
        ? beginGroup(was, { name: this.#name, lanes, after: await after(), now: runtime.now() })
        : was,
    );
  }

  /** Cost: 1 RCU; while lanes are changed, also 1 RCU for each 4 KB of leases, and 1 WCU a step. */
  async look(): Promise<GroupWork> {
    let group = await this.#groups.find(this.#name);
    if (group !== undefined && this.#isToChangeLanes) group = await this.#changeLanes(group);
    if (group !== undefined && group.retired.length > 0) group = await this.#groups.cleanUp(group);
    if (group === undefined || group.deleted) return { group: undefined, resources: [] };
    const { current, previous } = group;
    if (previous === undefined) return { group, resources: laneResources(current) };
    const lanes = await storedLanes(this.#context, group);
    const unsealed = lanes.previous.filter(({ state }) => !state?.sealed);
    if (unsealed.length > 0) {
      const sealing = unsealed.map(({ lane }) => laneResource(previous, lane));
      const all = [...sealing, ...laneResources(current)];
      return { group, resources: this.#waitsForSeals ? sealing : all };
    }
    if (isTakenOver(lanes)) await letGo(this.#groups, group);
    return { group, resources: laneResources(current) };
  }

  async #changeLanes(group: GroupDefinition): Promise<GroupDefinition | undefined> {
    const { lanes = group.current.lanes } = this.#settings;
    // Where lanes are being changed already, it is this one's turn after that.
    if (changeLanes(group, lanes) === "busy") return group;
    const changed = await this.#groups.change(this.#name, (was) => {
      if (was === undefined || was.deleted) return was;
      const next = changeLanes(was, lanes);
      return next === "busy" ? was : next;
    });
    this.#isToChangeLanes = changed?.current.lanes !== lanes;
    return changed;
  }
}
