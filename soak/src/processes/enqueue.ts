import { type EnqueueOutcome, type Letters, planLetters } from "../letters.ts";
import { openPlace } from "../place.ts";
import { takeSteps } from "../steps.ts";
import type { Work } from "./process-input.ts";

/** Enqueues letters: with ids of their own, or, every other producer, numbered by it. */
export const enqueue: Work = async ({ name, seed, place }, signal) => {
  const { openQueue, folder } = openPlace(place);
  const isNumbered = /[13579]$/.test(name);
  const queue = openQueue(isNumbered ? { producer: { id: name } } : {});
  await takeSteps<Letters, EnqueueOutcome>(
    { folder, name },
    {
      seed,
      plan(step, random, done) {
        const before = done.at(-1)?.intention ?? { sequence: 1, letters: [] };
        const next = (before.sequence ?? 1) + before.letters.length;
        return planLetters(random, { step, sequence: isNumbered ? next : undefined });
      },
      async carryOut(step, { letters, sequence }) {
        const messages = letters.map(({ key, isPoisoned }, index) => ({
          body: { by: name, step, index, isPoisoned },
          key,
          ...(isNumbered ? {} : { messageId: `${name}/${step}/${index}` }),
        }));
        const { positions } = await queue.enqueue(messages, isNumbered ? { sequence } : {});
        return { positions };
      },
      // What a producer numbers has no holes.
      mayAbandon: !isNumbered,
      pauseMs: 250,
    },
    signal,
  );
  await queue.close();
};
