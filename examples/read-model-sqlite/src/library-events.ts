import { defineEvents } from "@tuppence/core";
import { z } from "zod";

/** What happens to the books of a library: each book is a stream. */
export const libraryEvents = defineEvents({
  BookAcquired: z.object({ title: z.string() }),
  BookLent: z.object({ reader: z.string() }),
  BookReturned: z.object({ reader: z.string() }),
});
