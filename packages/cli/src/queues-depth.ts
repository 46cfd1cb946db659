import type { GroupStatus, Queue } from "@tuppence/queue";
import { openQueue, QUEUE } from "./queues-open.ts";
import { type Command, defineCommand } from "./shell/command.ts";
import { formatDuration } from "./shell/duration.ts";
import type { Output } from "./shell/output.ts";

/** `tuppence queues depth` */
export const depth: Command = defineCommand({
  description:
    "Show how much each consumer group of a queue has before it, and of one also each of its lanes",
  args: {
    queue: QUEUE,
    group: { type: "string", description: "Only this one, and its lanes", valueHint: "group" },
  },
  async run({ queue: name, group }, shell) {
    const queue = await openQueue(name, shell);
    const { output } = shell;
    const groups = await readStatus(queue, group);
    if (output.json) {
      for (const each of groups) await output.writeJson(each);
      return;
    }
    await showGroups(output, groups);
    if (group !== undefined) {
      await output.writeLine("");
      await showLanes(output, groups);
    }
    await showFailing(output, groups);
  },
});

/** @throws GroupMissingError */
async function readStatus(queue: Queue, group: string | undefined): Promise<readonly GroupStatus[]> {
  const names = group === undefined ? await queue.groups() : [group];
  const groups: GroupStatus[] = [];
  for (const each of names) groups.push(await queue.status(each));
  return groups;
}

async function showGroups(output: Output, groups: readonly GroupStatus[]): Promise<void> {
  const table = output.table([
    { title: "GROUP" },
    { title: "POSITION", align: "right" },
    { title: "LAST", align: "right" },
    { title: "DEPTH", align: "right" },
    { title: "LAG", align: "right" },
    { title: "AGE", align: "right" },
    { title: "PARKED", align: "right" },
    { title: "LANES", align: "right" },
    { title: "STATE" },
  ]);
  for (const group of groups) {
    const { position, tail, lag, oldestAt, ageMs, parked, lanes } = group;
    await table.add([
      group.group,
      String(position),
      String(tail),
      group.isExact ? String(group.depth) : `<= ${group.depth}`,
      String(lag),
      oldestAt === undefined ? "-" : formatDuration(ageMs),
      String(parked),
      String(lanes.length),
      stateOf(group),
    ]);
  }
  await table.flush();
}

async function showLanes(output: Output, groups: readonly GroupStatus[]): Promise<void> {
  const table = output.table([
    { title: "LANE", align: "right" },
    { title: "POSITION", align: "right" },
    { title: "PARKED", align: "right" },
    { title: "OWNER" },
  ]);
  for (const { lane, position, parked, owner } of groups.flatMap(({ lanes }) => lanes)) {
    await table.add([String(lane), String(position), String(parked), owner ?? "-"]);
  }
  await table.flush();
}

async function showFailing(output: Output, groups: readonly GroupStatus[]): Promise<void> {
  for (const { group, lanes } of groups) {
    for (const { lane, failing } of lanes) {
      if (failing === undefined) continue;
      const { blockedAt, attempts, error } = failing;
      const what = blockedAt === undefined ? "retrying" : `blocked at ${blockedAt}`;
      await output.writeLine(`${group}, lane ${lane}: ${what}, attempt ${attempts}: ${error}`);
    }
  }
}

/** The state of a group is that of the lane that needs most to be looked at. */
function stateOf({ isChangingLanes, lanes }: GroupStatus): string {
  const failing = lanes.flatMap((lane) => (lane.failing === undefined ? [] : [lane.failing]));
  if (failing.some(({ blockedAt }) => blockedAt !== undefined)) return "blocked";
  if (failing.length > 0) return "retrying";
  if (isChangingLanes) return "changing lanes";
  return lanes.every(({ owner }) => owner === undefined) ? "waiting" : "running";
}
