import { pause, SYSTEM_RUNTIME } from "@tuppence/core";
import {
  type BuildStatus,
  createProjections,
  type ProjectionStatus,
  type SlotStatus,
} from "@tuppence/projections";
import { ProgressLines } from "./projections-progress.ts";
import { type Command, defineCommand } from "./shell/command.ts";
import { formatDuration } from "./shell/duration.ts";
import type { Output } from "./shell/output.ts";

/** Between two looks, in milliseconds. */
const WATCH_INTERVAL_MS = 1_000;

/** `tuppence projections status` */
export const status: Command = defineCommand({
  description: "Show how far projections are, and of one also each of its slots",
  args: {
    projection: { type: "positional", required: false, description: "Its name; default: all" },
    watch: { type: "boolean", description: "Look again every second, until Ctrl-C" },
  },
  async run({ projection, watch = false }, { client, tablePrefix, output, signal }) {
    const projections = createProjections({ client, tablePrefix });
    const show = async (): Promise<void> => {
      const found = await projections.status(projection);
      if (output.json) for (const each of found) await output.writeJson(each);
      else await showStatus(output, found, projection !== undefined);
    };
    if (!watch) return show();
    const lines = new ProgressLines();
    do {
      if (output.json || !output.showsProgress) await show();
      else
        output.showProgress(...lines.after(await projections.status(projection), SYSTEM_RUNTIME.monotonic()));
    } while (await pause(SYSTEM_RUNTIME, WATCH_INTERVAL_MS, signal));
    output.showProgress();
  },
});

async function showStatus(
  output: Output,
  projections: readonly ProjectionStatus[],
  withSlots: boolean,
): Promise<void> {
  await showBuilds(output, projections);
  const builds = projections.flatMap(buildsOf);
  if (withSlots) {
    await output.writeLine("");
    await showSlots(output, builds);
  }
  for (const { name, build, role } of builds) {
    for (const { slot, state, error, errorPosition } of build.slots) {
      if (error === undefined) continue;
      await output.writeLine(`${name}, ${role}, slot ${slot}: ${state} at ${errorPosition}: ${error}`);
    }
  }
}

interface ShownBuild {
  readonly name: string;
  readonly role: string;
  readonly build: BuildStatus;
}

function buildsOf({ name, live, next }: ProjectionStatus): readonly ShownBuild[] {
  const shown = { name, role: `${live.number} live`, build: live };
  return next === undefined ? [shown] : [shown, { name, role: `${next.number} next`, build: next }];
}

async function showBuilds(output: Output, projections: readonly ProjectionStatus[]): Promise<void> {
  const table = output.table([
    { title: "PROJECTION" },
    { title: "BUILD" },
    { title: "VERSION", align: "right" },
    { title: "STATE" },
    { title: "POSITION", align: "right" },
    { title: "DONE", align: "right" },
    { title: "LAG", align: "right" },
    { title: "AGE", align: "right" },
    { title: "PARKED", align: "right" },
  ]);
  for (const { name, role, build } of projections.flatMap(buildsOf)) {
    const { version, position, progress, lagEvents, lagMs, parked } = build;
    await table.add([
      name,
      role,
      String(version),
      stateOf(build.slots),
      String(position),
      `${Math.floor(progress * 100)}%`,
      String(lagEvents),
      lagMs === undefined ? "-" : formatDuration(lagMs),
      String(parked),
    ]);
  }
  await table.flush();
}

async function showSlots(output: Output, builds: readonly ShownBuild[]): Promise<void> {
  const table = output.table([
    { title: "BUILD" },
    { title: "SLOT", align: "right" },
    { title: "STATE" },
    { title: "POSITION", align: "right" },
    { title: "LAG", align: "right" },
    { title: "RATE/S", align: "right" },
    { title: "PARKED", align: "right" },
    { title: "OWNER" },
  ]);
  for (const { role, build } of builds) {
    for (const { slot, state, position, lagEvents, rate, parked, owner } of build.slots) {
      const [slotText = "", ...numbers] = [slot, position, lagEvents, rate, parked].map(String);
      await table.add([role, slotText, state, ...numbers, owner ?? "-"]);
    }
  }
  await table.flush();
}

/** The state of a build is that of the slot that needs most to be looked at. */
function stateOf(slots: readonly SlotStatus[]): string {
  const states = slots.map(({ state }) => state);
  return (["paused", "halted", "waiting"] as const).find((state) => states.includes(state)) ?? "running";
}
