/** As DynamoDB orders sort keys: by their UTF-8 bytes. */
export function compareKeys(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
