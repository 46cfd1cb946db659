import { defineEvents, forgotten } from "@tuppence/core";
import { z } from "zod";

/** A library's loans: who joined and what they borrowed is theirs, that a book is back is not. */
export const events = defineEvents({
  MemberJoined: z.object({ member: z.string(), name: z.string(), email: z.string() }),
  BookBorrowed: z.object({ member: z.string(), title: z.string() }),
  BookReturned: z.object({ title: z.string() }),
  $forgotten: forgotten,
});

/** Events with a member hold that member's data. */
export function memberOf({ data }: { readonly data: unknown }): string | undefined {
  return (data as { readonly member?: string }).member;
}
