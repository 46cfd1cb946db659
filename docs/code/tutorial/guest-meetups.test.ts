//#region test
import { testProjection } from "@tuppence/projections/testing";
import { it } from "vitest";
import { guestMeetups } from "./guest-meetups.ts";

it("knows where a guest goes", async () => {
  const given = testProjection(guestMeetups);
  const ada = { data: { guest: "Ada" } };
  await given([
    { streamId: "meetup|april", type: "GuestRegistered", ...ada },
    { streamId: "meetup|june", type: "GuestRegistered", ...ada },
    { streamId: "meetup|april", type: "GuestCancelled", ...ada },
  ]).thenDocuments({ Ada: { meetups: ["meetup|june"] } });
});
//#endregion test
