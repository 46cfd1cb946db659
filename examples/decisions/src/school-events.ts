import { defineEvents, type EventStore, type RecordedEventOf } from "@tuppence/core";
import { z } from "zod";

/** All that can happen in a small school that teaches, and sends invoices. */
export const schoolEvents = defineEvents({
  NameClaimed: z.object({ userId: z.string() }),
  UserRegistered: z.object({ name: z.string() }),

  CourseOpened: z.object({ places: z.int().min(0) }),
  StudentSubscribed: z.object({ student: z.string() }),
  CourseTaken: z.object({ course: z.string() }),

  NumberGiven: z.object({ order: z.string() }),
  InvoiceIssued: z.object({ number: z.int().min(1), cents: z.int() }),

  TokenUsed: z.object({ account: z.string() }),
  PaymentReceived: z.object({ cents: z.int() }),
});

export type SchoolEvent = RecordedEventOf<typeof schoolEvents>;
export type SchoolStore = EventStore<typeof schoolEvents>;
