import type { QueueReader } from "../queue-context.ts";
import type { StartAt } from "./consume-options.ts";

/** Everything up to the answer counts as done for who begins there. 1 request; about log2(n) for a time. */
export async function startPosition(reader: QueueReader, at: StartAt): Promise<number> {
  if (typeof at === "number") return at - 1;
  if (at instanceof Date) return (await reader.positionAt(at)) - 1;
  return at === "end" ? (await reader.tail()).position : (await reader.firstPosition()) - 1;
}
