/**
 * What keeps command handlers right, as one value: tests switch the guards off one by one to see that each is needed.
 */
export interface HandlerGuards {
  /** Whether a command's commit is looked for in the whole stream when the cache can't exclude that it is there. */
  readonly searchesBehindCache: boolean;
  /** Whether only states of stored events get into the cache. */
  readonly keepsOnlyStored: boolean;
  /** Whether a command of a batch that was refused, or led to nothing, waits until the batch is stored. */
  readonly waitsForStorage: boolean;
  /** Whether the commands of a batch are decided again after a conflict. */
  readonly decidesAgain: boolean;
  /** Whether a batch that stores nothing answers only by a state that was the stream's after its commands came in. */
  readonly answersByPresent: boolean;
}

export const HANDLER_GUARDS: HandlerGuards = {
  searchesBehindCache: true,
  keepsOnlyStored: true,
  waitsForStorage: true,
  decidesAgain: true,
  answersByPresent: true,
};
