import { setTimeout as sleep } from "node:timers/promises";
import { Journal } from "./journal.ts";
import { seededRandom, wholeNumber } from "./random.ts";

/** What is written down of a step: what is to be done before it is, and what came of it before anything else is done. */
type StepEntry<Intention, Outcome> = { readonly step: number } & (
  | { readonly intention: Intention }
  /** It is tried once more: the process began again, or it failed so that nobody knows what came of it. */
  | { readonly again: string }
  /** Nobody will try it any more, nor know what came of it. */
  | { readonly abandoned: true }
  | { readonly outcome: Outcome }
);

/** A step as its journal tells of it. */
export interface Step<Intention, Outcome> {
  readonly by: string;
  /** From 1. */
  readonly step: number;
  readonly intention: Intention;
  readonly attempts: number;
  /** Undefined: nobody was told. */
  readonly outcome: Outcome | undefined;
  readonly isAbandoned: boolean;
}

/** How a process takes its steps. */
export interface StepPlan<Intention, Outcome> {
  readonly seed: number;
  /** What is to be done, by chance of its own for each step, and what was done so far. */
  readonly plan: (
    step: number,
    random: () => number,
    done: readonly Step<Intention, Outcome>[],
  ) => Promise<Intention> | Intention;
  /** Does it, the same way each time; rejects when it is not known what came of it. */
  readonly carryOut: (step: number, intention: Intention) => Promise<Outcome>;
  /** Whether a process that begins again may leave the step that it finds under way as it is. */
  readonly mayAbandon: boolean;
  /** The longest pause between two steps, in milliseconds. */
  readonly pauseMs: number;
}

/** After what failed, in milliseconds. */
const RETRY_MS = 250;

/** Takes steps one after the other until the signal is aborted, and goes on where another process of the name was killed. */
export async function takeSteps<Intention, Outcome>(
  { folder, name }: { readonly folder: string; readonly name: string },
  { seed, plan, carryOut, mayAbandon, pauseMs }: StepPlan<Intention, Outcome>,
  signal: AbortSignal,
): Promise<void> {
  const done = [...readSteps<Intention, Outcome>(folder, name)];
  const journal = new Journal<StepEntry<Intention, Outcome>>(folder, name);
  const settle = async (step: number, intention: Intention): Promise<void> => {
    for (let attempts = 1; ; attempts++) {
      try {
        const outcome = await carryOut(step, intention);
        journal.write({ step, outcome });
        done.push({ by: name, step, intention, attempts, outcome, isAbandoned: false });
        return;
      } catch (error) {
        journal.write({ step, again: String(error) });
        await sleep(RETRY_MS);
      }
    }
  };
  const last = done.at(-1);
  if (last !== undefined && last.outcome === undefined && !last.isAbandoned) {
    const isAbandoned = mayAbandon && seededRandom(seed, name, last.step, "abandon")() < 0.3;
    done.pop();
    if (isAbandoned) {
      journal.write({ step: last.step, abandoned: true });
      done.push({ ...last, isAbandoned });
    } else {
      journal.write({ step: last.step, again: "began again" });
      await settle(last.step, last.intention);
    }
  }
  for (let step = (last?.step ?? 0) + 1; !signal.aborted; step++) {
    const random = seededRandom(seed, name, step);
    const intention = await untilPlanned(() => plan(step, random, done));
    journal.write({ step, intention });
    await settle(step, intention);
    await sleep(wholeNumber(random, 0, pauseMs));
  }
}

/** Planning may read; nothing depends on how often. */
async function untilPlanned<Intention>(plan: () => Promise<Intention> | Intention): Promise<Intention> {
  for (;;) {
    try {
      return await plan();
    } catch (error) {
      console.error(error);
      await sleep(RETRY_MS);
    }
  }
}

/** All steps of a process and of those that took its place, in order. */
export function readSteps<Intention, Outcome>(
  folder: string,
  name: string,
): readonly Step<Intention, Outcome>[] {
  const steps = new Map<number, Step<Intention, Outcome>>();
  for (const entry of new Journal<StepEntry<Intention, Outcome>>(folder, name).read()) {
    const { step } = entry;
    const known = steps.get(step);
    if ("intention" in entry) {
      const { intention } = entry;
      steps.set(step, { by: name, step, intention, attempts: 1, outcome: undefined, isAbandoned: false });
    } else if (known === undefined) throw new Error(`${name} has step ${step} without an intention.`);
    else if ("again" in entry) steps.set(step, { ...known, attempts: known.attempts + 1 });
    else if ("abandoned" in entry) steps.set(step, { ...known, isAbandoned: true });
    else steps.set(step, { ...known, outcome: entry.outcome });
  }
  return [...steps.values()];
}
