import { defineProjection } from "@tuppence/projections";
import { PERMITS, permitEvents, permitIdOf } from "./permit-events.ts";

/** A permit as the office sees it. */
export interface Permit {
  readonly applicant: string;
  readonly address: string;
  readonly state: "requested" | "granted" | "refused";
  /** Whether the office took longer than it may. */
  readonly isLate: boolean;
  readonly lettersSent: number;
}

/** A document for each permit, by its id. */
export const permits = defineProjection({
  name: "permits",
  version: 1,
  events: permitEvents,
  categories: [PERMITS],
  key: permitIdOf,
  initialState: (): Permit => ({
    applicant: "",
    address: "",
    state: "requested",
    isLate: false,
    lettersSent: 0,
  }),
  evolve: (permit, { type, data }): Permit => {
    switch (type) {
      case "PermitRequested":
        return { ...permit, applicant: data.applicant, address: data.address };
      case "PermitDecided":
        return { ...permit, state: data.granted ? "granted" : "refused" };
      case "LetterSent":
        return { ...permit, lettersSent: permit.lettersSent + 1 };
      case "DeadlinePassed":
        return { ...permit, isLate: permit.state === "requested" };
    }
  },
});
