import type { LeaseState } from "@tuppence/core/leases";
import type { ConsumeSettings } from "./consume-options.ts";
import { beginGroup, changeLanes, type GroupDefinition, laneResources, letGoOfPrevious } from "./group-definition.ts";
import type { GroupStore } from "./group-store.ts";
import type { GroupGuards } from "./group-guards.ts";
import { statesOf } from "./start-lane.ts";

/** What is to be done for a group now. */
export interface GroupWork {
  readonly group: GroupDefinition | undefined;
  /** The lanes to be shared out. */
  readonly resources: readonly string[];
}

/** Finds out what a group's consumers are to work on, and takes each step of a change that can be taken. */
export class GroupPlan {
  readonly #name: string;
  readonly #groups: GroupStore;
  readonly #settings: Pick<ConsumeSettings, "lanes" | "runtime">;
  readonly #listLeases: () => Promise<readonly LeaseState[]>;
  readonly #waitsForSeals: boolean;
  /** Whether the lanes that this consumer was started with are still to be changed to. */
  #isToChangeLanes: boolean;

  constructor(
    name: string,
    means: {
      readonly groups: GroupStore;
      readonly settings: Pick<ConsumeSettings, "lanes" | "runtime">;
      readonly guards: Pick<GroupGuards, "waitsForSeals">;
      /** Strongly consistent. */
      readonly listLeases: () => Promise<readonly LeaseState[]>;
    },
  ) {
    this.#name = name;
    this.#groups = means.groups;
    this.#settings = means.settings;
    this.#listLeases = means.listLeases;
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
    const leases = await this.#listLeases();
    const before = statesOf(laneResources(previous), leases);
    const unsealed = laneResources(previous).filter((_, lane) => !before[lane]?.sealed);
    if (unsealed.length > 0) {
      const all = [...unsealed, ...laneResources(current)];
      return { group, resources: this.#waitsForSeals ? unsealed : all };
    }
    const begun = statesOf(laneResources(current), leases);
    if (begun.every((state) => state !== undefined && state.before === undefined)) {
      const { number } = current;
      await this.#groups.change(this.#name, (was) =>
        was?.current.number === number ? letGoOfPrevious(was) : was,
      );
      return this.look();
    }
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
