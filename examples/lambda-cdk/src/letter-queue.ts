import { createQueue } from "@tuppence/queue";
import { LETTERS, lettersPlace, letter } from "./letter.ts";
import { place } from "./place.ts";

/** All letters, in one order. */
export const letters = createQueue({ ...lettersPlace(place), name: LETTERS, schema: letter });
