//#region events
import { defineEvents } from "@tuppence/core";
import { z } from "zod";

export const meetupEvents = defineEvents({
  MeetupPlanned: z.object({ title: z.string(), places: z.int().min(1) }),
  GuestRegistered: z.object({ guest: z.string() }),
  GuestCancelled: z.object({ guest: z.string() }),
});
//#endregion events
