import { capturePrinted, expectAllShown } from "../shown.ts";
import { connect } from "@tuppence/test-support/database";
import { it } from "vitest";
const client = connect("howtodecisions");
//#region open
import {
  commitIdFrom,
  createEventStore,
  decideAcross,
  defineEvents,
  type RecordedEventOf,
} from "@tuppence/core";
import { z } from "zod";

const events = defineEvents({
  NameClaimed: z.object({ user: z.string() }),
  UserRegistered: z.object({ name: z.string() }),
  NameReleased: z.object({}),
});

const store = createEventStore({ client, events });
//#endregion open

//#region decide
class NameTakenError extends Error {}

const owner = {
  initialState: (): string | undefined => undefined,
  evolve(user: string | undefined, event: RecordedEventOf<typeof events>) {
    if (event.type === "NameClaimed") return event.data.user;
    return event.type === "NameReleased" ? undefined : user;
  },
};

const register = (user: string, name: string, requestId: string) =>
  decideAcross(
    store,
    async ({ load }) => {
      if ((await load(`name|${name}`, owner)) !== undefined) throw new NameTakenError(`${name} is taken.`);
      return [
        { streamId: `name|${name}`, events: [{ type: "NameClaimed", data: { user } }] },
        {
          streamId: `user|${user}`,
          events: [{ type: "UserRegistered", data: { name } }],
          expectedVersion: "noStream",
        },
      ];
    },
    { commitId: commitIdFrom(requestId) },
  );
//#endregion decide

it("lets one of all who want a name have it", async () => {
  const printed = capturePrinted();
  await store.ensureTables();

  //#region race
  const results = await Promise.allSettled(
    ["u-1", "u-2", "u-3", "u-4"].map((user) => register(user, "ada", `request of ${user}`)),
  );
  console.log(results.map(({ status }) => status).toSorted());
  //#endregion race

  //#region again
  const first = await register("u-9", "grace", "request-9");
  const again = await register("u-9", "grace", "request-9");
  console.log(
    first.appends.map(({ streamId, version }) => `${streamId} at ${version}`),
    first.duplicate,
  );
  console.log(
    again.appends.map(({ streamId, version }) => `${streamId} at ${version}`),
    again.duplicate,
  );
  console.log(first.capacity);
  //#endregion again

  //#region transact
  await store.transact(
    [{ streamId: "name|grace", events: [{ type: "NameReleased", data: {} }], expectedVersion: 1 }],
    { checks: [{ streamId: "user|u-9", expectedVersion: 1 }] },
  );
  //#endregion transact
  await expectAllShown("how-to/decide-over-several-streams.md", printed, { race: 1, again: 3 });
});
