//#region test
import { testDecider } from "@tuppence/core/testing";
import { it } from "vitest";
import { meetup, MeetupFullError } from "./meetup.ts";

const given = testDecider(meetup);
const planned = { type: "MeetupPlanned", data: { title: "Event sourcing on a budget", places: 1 } } as const;
const ada = { type: "GuestRegistered", data: { guest: "Ada" } } as const;

it("gives a place to whoever comes first", () => {
  given([planned]).when({ kind: "register", guest: "Ada" }).thenEvents([ada]);
  given([planned, ada]).when({ kind: "register", guest: "Grace" }).thenThrows(MeetupFullError);
});

it("knows who has a place", () => {
  given([planned, ada]).when({ kind: "register", guest: "Ada" }).thenNothing();
});

it("gives a place that was given back to somebody else", () => {
  given([planned, ada, { type: "GuestCancelled", data: { guest: "Ada" } }])
    .when({ kind: "register", guest: "Grace" })
    .thenEvents([{ type: "GuestRegistered", data: { guest: "Grace" } }]);
});
//#endregion test
