/** @throws RangeError for a position or number that is given and is no whole number from 1. */
export function checkPosition(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) return;
  throw new RangeError(`${name} is ${String(value)}; it has to be a whole number from 1.`);
}

/** @throws RangeError for a time that is given and is no valid Date. */
export function checkDate(name: string, value: Date | undefined): void {
  if (value === undefined || (value instanceof Date && !Number.isNaN(value.getTime()))) return;
  throw new RangeError(`${name} is ${String(value)}; it has to be a valid Date.`);
}
