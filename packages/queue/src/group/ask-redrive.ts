import type { QueueContext } from "../queue-context.ts";
import type { GroupStore } from "./group-store.ts";
import { shortKey } from "./lane-of.ts";
import { type ParkedChain, parkedChains, type ParkedMessage } from "./list-parked.ts";
import { ParkedDetailsStore } from "./parked-details.ts";
import { trySeveralTimes } from "./several-times.ts";

export interface RedriveOptions {
  /** Only this message, with those behind it of its key where the key is parked. Default: all. */
  readonly position?: number | undefined;
  /** Only messages of this key. Default: all. */
  readonly key?: string | undefined;
  /** Leaves the first parked message of each key out for good, and goes on with those behind it. Default false. */
  readonly skip?: boolean | undefined;
}

/**
 * Asks the owners of lanes to handle what is parked: the mark on the first message of each key tells them, and the group's count of requests
 * that there are marks. Answers how many messages that concerns.
 */
export async function askRedrive(
  { context, groups }: { readonly context: QueueContext; readonly groups: GroupStore },
  name: string,
  { position, key, skip = false }: RedriveOptions,
): Promise<number> {
  await context.checkRegion();
  const group = await groups.get(name);
  // Of no other call: whoever has taken one in forgets that one only.
  const request = Math.floor(context.runtime.random() * 2 ** 48);
  const short = key === undefined ? undefined : shortKey(key);
  const isMeant = (chain: ParkedChain): boolean =>
    (position === undefined || chain.messages.some((message) => message.position === position)) &&
    (key === undefined || chain.short === short || chain.messages[0]?.key === key);
  const chains = (await parkedChains(context, group)).filter(isMeant);
  const details = new ParkedDetailsStore(context.control, { queue: context.name, group: name });
  for (const { messages } of chains) {
    const [head] = messages as [ParkedMessage];
    // What was not tried yet is not left out unseen.
    const what = skip && head.reason === "failed" ? "skip" : "apply";
    await trySeveralTimes(context, name, () => details.ask(head.position, what, request));
  }
  if (chains.length === 0) return 0;
  await groups.change(name, (was) => was && { ...was, redrives: was.redrives + 1 });
  return chains.reduce((count, { messages }) => count + messages.length, 0);
}
