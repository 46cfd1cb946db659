import { pause, SYSTEM_RUNTIME } from "@tuppence/core";
import { createProjections, type Projections, type ProjectionSummary } from "@tuppence/projections";
import { ProgressLines } from "./projections-progress.ts";
import { type Command, defineCommand, type Shell } from "./shell/command.ts";
import { UsageError, wholeNumber } from "./shell/usage-error.ts";

/** Between two looks, in milliseconds. */
const WAIT_INTERVAL_MS = 1_000;

/** `tuppence projections rebuild` */
export const rebuild: Command = defineCommand({
  description:
    "Build the live version anew beside the live build, which readers see until the new one is as far",
  args: {
    projection: { type: "positional", required: true, description: "Its name" },
    "events-per-second": {
      type: "string",
      description: "At most so many in each slot; also for one that is under way",
      valueHint: "n",
    },
    wait: { type: "boolean", description: "Wait until it is live" },
    cancel: { type: "boolean", description: "Give up what is being built" },
  },
  async run({ projection, wait = false, cancel = false, ...args }, shell) {
    const eventsPerSecond = wholeNumber("events-per-second", args["events-per-second"]);
    if (cancel && (wait || eventsPerSecond !== undefined)) {
      throw new UsageError("--cancel goes with no other option.");
    }
    const { client, tablePrefix, output } = shell;
    const projections = createProjections({ client, tablePrefix });
    const summary = cancel
      ? await projections.cancelRebuild(projection)
      : await begin(projections, projection, eventsPerSecond);
    const isLive = wait && (await waitUntilLive(projections, summary, shell));
    if (output.json)
      return output.writeJson(isLive ? ((await summaryNow(projections, projection)) ?? summary) : summary);
    await output.writeLine(describe(summary, isLive));
  },
});

/** @throws UsageError for a reactor. */
async function begin(
  projections: Projections,
  name: string,
  eventsPerSecond: number | undefined,
): Promise<ProjectionSummary> {
  try {
    return await projections.rebuild(name, { eventsPerSecond });
  } catch (error) {
    // Says that it is a reactor: that is for `reset`.
    if (error instanceof TypeError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

function describe({ name, live, next }: ProjectionSummary, isLive: boolean): string {
  if (next === undefined) return `${name}: nothing is built beside build ${live.number}.`;
  if (isLive) return `${name}: build ${next.number} of version ${next.version} is live.`;
  return `${name}: build ${next.number} of version ${next.version} is built beside build ${live.number}.`;
}

/** Answers false when it was interrupted: the rebuild goes on. */
async function waitUntilLive(
  projections: Projections,
  { name, next }: ProjectionSummary,
  { output, signal }: Shell,
): Promise<boolean> {
  if (next === undefined) return false;
  const lines = new ProgressLines();
  try {
    do {
      const [status] = await projections.status(name);
      if (status?.live.number === next.number) return true;
      if (status?.next?.number !== next.number) throw new RebuildEndedError(name, next.number);
      output.showProgress(...lines.after([status], SYSTEM_RUNTIME.monotonic()).slice(1));
    } while (await pause(SYSTEM_RUNTIME, WAIT_INTERVAL_MS, signal));
    return false;
  } finally {
    output.showProgress();
  }
}

async function summaryNow(projections: Projections, name: string): Promise<ProjectionSummary | undefined> {
  return (await projections.list()).find((each) => each.name === name);
}

/** What was waited for was given up by somebody else. */
class RebuildEndedError extends Error {
  override readonly name = "RebuildEndedError";
  readonly code = "rebuildEnded";
  readonly retryable = false;

  constructor(projection: string, build: number) {
    super(`Build ${build} of ${projection} was given up, or is live no more.`);
  }
}
