import { decideAcross, type DecideAcrossOptions, type DecisionResult } from "@tuppence/core";
import type { schoolEvents, SchoolStore } from "./school-events.ts";

export class NameTakenError extends Error {}

/** Whether the stream of a name has an event: it is taken from its first one on. */
const isTaken = { initialState: () => false, evolve: () => true };

/** A user name belongs to one user: each name has a stream of its own, next to that of the user. */
export function registerUser(
  store: SchoolStore,
  { userId, name }: { readonly userId: string; readonly name: string },
  options?: DecideAcrossOptions,
): Promise<DecisionResult<typeof schoolEvents>> {
  return decideAcross(
    store,
    async ({ load }) => {
      const nameStream = `username|${name.toLowerCase()}`;
      if (await load(nameStream, isTaken)) throw new NameTakenError(`The name ${name} is taken.`);
      return [
        { streamId: nameStream, events: [{ type: "NameClaimed", data: { userId } }] },
        {
          streamId: `user|${userId}`,
          events: [{ type: "UserRegistered", data: { name } }],
          expectedVersion: "noStream",
        },
      ];
    },
    options,
  );
}
