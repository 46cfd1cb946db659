import { QueueTrimmedError } from "../errors.ts";
import type { QueueContext } from "../queue-context.ts";
import type { StartAt } from "./consume-options.ts";

/**
 * Everything up to the answer counts as done for who begins there. 1 request; about log2(n) for a time.
 *
 * @throws QueueTrimmedError for a position that was trimmed.
 */
export async function startPosition(
  { name: queue, reader }: Pick<QueueContext, "name" | "reader">,
  at: StartAt,
): Promise<number> {
  if (at instanceof Date) return (await reader.positionAt(at)) - 1;
  if (at === "end") return (await reader.tail()).position;
  const firstPosition = await reader.firstPosition();
  if (at === "beginning") return firstPosition - 1;
  if (at < firstPosition) throw new QueueTrimmedError({ queue, position: at, firstPosition });
  return at - 1;
}
