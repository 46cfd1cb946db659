import { defineEvents } from "@tuppence/core";
import * as z from "zod";

/** The category of the streams: `permit|<id>`. */
export const PERMITS = "permit";

/** What an applicant sends. The API checks it by the JSON Schema that is made of it, and stores it as it is. */
export const application = z.strictObject({
  applicant: z.string().min(1).max(200),
  address: z.string().min(1).max(500),
  /** At 4 bytes a character, it fits an item of DynamoDB: 400 KB. */
  plan: z.string().min(1).max(90_000),
});

/** All that can happen to the application for a building permit. */
export const permitEvents = defineEvents({
  PermitRequested: application,
  PermitDecided: z.object({ granted: z.boolean(), reason: z.string() }),
  LetterSent: z.object({ kind: z.enum(["confirmation", "decision"]), position: z.int() }),
  DeadlinePassed: z.object({ deadlineAt: z.iso.datetime() }),
});

export function streamOf(permitId: string): string {
  return `${PERMITS}|${permitId}`;
}

export function permitIdOf({ streamId }: { readonly streamId: string }): string {
  return streamId.slice(`${PERMITS}|`.length);
}
