/**
 * Orders sequence numbers of one shard: below 0 when `one` comes first. They are numbers of up to 40 digits without a fixed
 * length, so comparing them as text, or as floats, goes wrong.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html
 */
export function compareSequenceNumbers(one: string, other: string): number {
  const difference = BigInt(one) - BigInt(other);
  return difference < 0n ? -1 : Number(difference > 0n);
}
