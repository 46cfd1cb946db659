import { NonRetryableError } from "@tuppence/core";

/** A batch is too much for one go, as often as it is tried: fewer events may not be. */
export class BatchTooLargeError extends NonRetryableError {}
