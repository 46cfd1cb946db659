import { Bill, type Billed } from "../capacity/units.ts";
import type { RecordedEvent } from "../events.ts";
import type { AppendContext } from "./append.ts";
import type { ReadCategoryOptions } from "./read-options.ts";
import { listNames } from "./list-streams.ts";
import { planRead, readEvents } from "./read-stream.ts";

/** Streams that are read at once; small ones take one request each, so waiting for each would be most of the time. */
const STREAMS_AT_ONCE = 8;

/** A stream whose first event is on its way. */
interface Begun {
  readonly events: AsyncGenerator<RecordedEvent, void, undefined>;
  readonly first: Promise<IteratorResult<RecordedEvent, void>>;
}

/** The events of a category, stream by stream. */
export async function* readCategory(
  context: AppendContext,
  category: string,
  { after, asOf, consistency, signal, bill = new Bill() }: ReadCategoryOptions & Billed,
): AsyncGenerator<RecordedEvent, void, undefined> {
  const plan = planRead({ asOf, consistency, signal });
  const begin = (streamId: string): Begun => {
    const events = readEvents(context, streamId, { ...plan, bill });
    const first = events.next();
    // It is awaited when its turn comes.
    first.catch(() => undefined);
    return { events, first };
  };
  const begun: Begun[] = [];
  try {
    for await (const streamId of listNames(context.storage, { category, after, signal, bill })) {
      begun.push(begin(streamId));
      if (begun.length === STREAMS_AT_ONCE) yield* eventsOf(begun);
    }
    while (begun.length > 0) yield* eventsOf(begun);
  } finally {
    await Promise.allSettled(begun.map(({ events }) => events.return()));
  }
}

/** The events of the stream whose turn it is. It stays among those begun until it is read, for whoever leaves. */
async function* eventsOf(begun: Begun[]): AsyncGenerator<RecordedEvent, void, undefined> {
  const [{ events, first }] = begun as [Begun];
  const step = await first;
  if (!step.done) {
    yield step.value;
    yield* events;
  }
  begun.shift();
}
