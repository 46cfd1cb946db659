/**
 * What keeps command handlers right, as one value: tests switch the guards off one by one to see that each is needed.
 */
export interface HandlerGuards {
  /** Whether a command's commit is looked for in the whole stream when the cache can't exclude that it is there. */
  readonly searchesBehindCache: boolean;
}

export const HANDLER_GUARDS: HandlerGuards = { searchesBehindCache: true };
