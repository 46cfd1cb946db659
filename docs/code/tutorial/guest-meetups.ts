//#region projection
import { defineProjection } from "@tuppence/projections";
import { meetupEvents } from "./meetup-events.ts";

/** For each guest, the meetups that they are going to. */
export const guestMeetups = defineProjection({
  name: "guest-meetups",
  version: 1,
  events: meetupEvents,
  types: ["GuestRegistered", "GuestCancelled"],
  key: ({ data }) => data.guest,
  initialState: () => ({ meetups: [] as string[] }),
  evolve({ meetups }, { type, streamId }) {
    if (type === "GuestRegistered") return { meetups: [...meetups, streamId] };
    return { meetups: meetups.filter((other) => other !== streamId) };
  },
});
//#endregion projection
