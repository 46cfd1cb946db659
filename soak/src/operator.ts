import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { OperatorWork } from "./blows.ts";
import { SERIES } from "./jobs.ts";
import { cureFile, GROUP_OUTSIDE } from "./letters.ts";
import type { OpenPlace } from "./place.ts";

/** What is tried again fails for the moment only: the database is away, or another change is under way. */
const RETRY_MS = 500;

async function untilDone<Result>(attempt: () => Promise<Result>, withinMs = 60_000): Promise<Result> {
  for (const endsAt = performance.now() + withinMs; ; ) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > endsAt) throw error;
      await sleep(RETRY_MS);
    }
  }
}

/** The names of the series. */
const SERIES_NAMES = Object.keys(SERIES) as readonly (keyof typeof SERIES)[];

/** Those that no process of the crew schedules. */
export async function beginSeries({ scheduler }: OpenPlace): Promise<void> {
  for (const target of SERIES_NAMES) {
    await scheduler.schedule({
      name: `series ${target}`,
      every: SERIES[target],
      target,
      payload: { by: `series ${target}`, step: 0 },
      misfire: "fireAll",
      // None is passed over, however long one that was begun by a killed process stands still.
      overlap: "allow",
    });
  }
}

export async function operate(work: OperatorWork, { projections, openQueue }: OpenPlace): Promise<void> {
  switch (work.kind) {
    case "rebuild":
      await untilDone(() => projections.rebuild(work.projection));
      return;
    case "reset":
      await untilDone(() => openQueue().reset(GROUP_OUTSIDE, { to: "beginning" }));
      return;
    case "changeLanes":
      await untilDone(() => openQueue().changeLanes(GROUP_OUTSIDE, work.lanes));
  }
}

/** Lets a run come to an end: nothing is scheduled any more, and what was parked can be handled. */
export async function conclude({ scheduler, folder }: OpenPlace): Promise<void> {
  for (const target of SERIES_NAMES) await untilDone(() => scheduler.cancel(`series ${target}`));
  writeFileSync(cureFile(folder), "");
}
