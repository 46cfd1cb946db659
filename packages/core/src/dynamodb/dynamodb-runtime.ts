import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Runtime, SYSTEM_RUNTIME } from "../runtime.ts";

export interface RuntimeOptions {
  /** Clock, chance and waiting, for tests. Default: the system's. */
  readonly runtime?: Partial<Runtime> | undefined;
}

/** The runtime of whatever works on a client: commits carry the time as AWS's replies have corrected it. */
export function dynamoDBRuntime(client: DynamoDBClient, { runtime }: RuntimeOptions): Runtime {
  return { ...SYSTEM_RUNTIME, now: () => Date.now() + clockOffsetMs(client), ...runtime };
}

/** The SDK takes its offset from the Date of a reply, which is cut to the second: below two it says nothing. */
const MIN_OFFSET_MS = 2_000;

/** How far this machine's clock is off, as AWS's replies have shown. */
function clockOffsetMs(client: DynamoDBClient): number {
  const offset = client.config.systemClockOffset;
  return Math.abs(offset) < MIN_OFFSET_MS ? 0 : offset;
}
