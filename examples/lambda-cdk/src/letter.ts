import * as z from "zod";

/** The queue of the letters that the office has to send. */
export const LETTERS = "letters";

/** It has tables of its own: those who read a table's stream are two at most, and the log and the projections do already. */
export function lettersPlace<Place extends { readonly tablePrefix: string }>(place: Place): Place {
  return { ...place, tablePrefix: `${place.tablePrefix}-letters` };
}

export const letter = z.object({ permitId: z.string(), kind: z.enum(["confirmation", "decision"]) });

export type Letter = z.infer<typeof letter>;
