//#region decider
import type { Decider, EventOf } from "@tuppence/core";
import type { meetupEvents } from "./meetup-events.ts";

export type MeetupEvent = EventOf<typeof meetupEvents>;

export type MeetupCommand =
  | { kind: "plan"; title: string; places: number }
  | { kind: "register"; guest: string }
  | { kind: "cancel"; guest: string };

export interface Meetup {
  readonly places: number; // 0: it was never planned
  readonly guests: readonly string[];
}

export class MeetupFullError extends Error {}

export const meetup: Decider<MeetupCommand, Meetup, MeetupEvent> = {
  initialState: () => ({ places: 0, guests: [] }),

  evolve(state, event) {
    switch (event.type) {
      case "MeetupPlanned":
        return { ...state, places: event.data.places };
      case "GuestRegistered":
        return { ...state, guests: [...state.guests, event.data.guest] };
      case "GuestCancelled":
        return { ...state, guests: state.guests.filter((guest) => guest !== event.data.guest) };
    }
  },

  decide(command, { places, guests }) {
    switch (command.kind) {
      case "plan": {
        const { title, places: wanted } = command;
        return places > 0 ? [] : { type: "MeetupPlanned", data: { title, places: wanted } };
      }
      case "register": {
        const { guest } = command;
        if (guests.includes(guest)) return []; // she has a place already: nothing to do
        if (guests.length >= places) throw new MeetupFullError(`All ${places} places are taken.`);
        return { type: "GuestRegistered", data: { guest } };
      }
      case "cancel": {
        const { guest } = command;
        return guests.includes(guest) ? { type: "GuestCancelled", data: { guest } } : [];
      }
    }
  },
};
//#endregion decider
