import { createEventStore } from "@tuppence/core";
import { permitEvents } from "./permit-events.ts";
import { place } from "./place.ts";

export const store = createEventStore({ ...place, events: permitEvents });
