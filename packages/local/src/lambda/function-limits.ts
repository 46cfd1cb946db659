/** How long an invocation may take, as Lambda's own default has it, in milliseconds. https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html */
export const DEFAULT_TIMEOUT_MS = 3_000;
/** What an invocation is given, as Lambda's own default has it, in MB. https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
export const DEFAULT_MEMORY_MB = 128;

const MAX_TIMEOUT_MS = 900_000;
const MIN_MEMORY_MB = 128;
const MAX_MEMORY_MB = 10_240;

export interface FunctionLimits {
  /** How long an invocation may take, in milliseconds: from 1 to 900,000; default: 3,000. */
  readonly timeoutMs?: number | undefined;
  /** Memory in MB: from 128 to 10,240; default: 128. */
  readonly memoryMb?: number | undefined;
}

/** @throws RangeError for a number that Lambda would not take */
export function checkLimits({ timeoutMs, memoryMb }: FunctionLimits): Required<{
  readonly timeoutMs: number;
  readonly memoryMb: number;
}> {
  return {
    timeoutMs: between("timeoutMs", timeoutMs ?? DEFAULT_TIMEOUT_MS, [1, MAX_TIMEOUT_MS]),
    memoryMb: between("memoryMb", memoryMb ?? DEFAULT_MEMORY_MB, [MIN_MEMORY_MB, MAX_MEMORY_MB]),
  };
}

/** @throws RangeError when it is no integer from the first to the last */
export function between(what: string, value: number, [first, last]: readonly [number, number]): number {
  if (Number.isInteger(value) && value >= first && value <= last) return value;
  throw new RangeError(`${what} is an integer from ${first} to ${last}, not ${value}`);
}
