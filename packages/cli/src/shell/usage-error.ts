/** The command line makes no sense: nothing was done. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code = "usage";
  readonly retryable = false;
}

/**
 * The value of an option that is a number.
 *
 * @throws UsageError for anything but a whole number, from 1 or as said.
 */
export function wholeNumber(option: string, text: string | undefined, least: number = 1): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least && /^\d+$/.test(text)) return value;
  throw new UsageError(`--${option} is ${JSON.stringify(text)}; it has to be a whole number from ${least}.`);
}
