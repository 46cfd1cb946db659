import {
  createEventStore,
  type EventStore,
  type LogFilter,
  type LoggedEvent,
  type ReadAllOptions,
} from "@tuppence/core";
import { type Command, defineCommand, type Shell } from "./shell/command.ts";
import type { ListForm, Output } from "./shell/output.ts";
import { UsageError, wholeNumber } from "./shell/usage-error.ts";

const DEFAULT_LIMIT = 10;

const FORM: ListForm<LoggedEvent> = {
  columns: [
    { title: "POSITION", align: "right" },
    { title: "TIME" },
    { title: "STREAM" },
    { title: "VERSION", align: "right" },
    { title: "TYPE" },
    { title: "DATA" },
  ],
  row: ({ position, recordedAt, streamId, version, type, data }) => [
    String(position),
    recordedAt.toISOString(),
    streamId,
    String(version),
    type,
    JSON.stringify(data),
  ],
  json: (event) => event,
};

/** `tuppence log tail` */
export const tail: Command = defineCommand({
  description: "Show the last events of the global log, or those from a position on, one on each line",
  args: {
    limit: { type: "string", description: "At most so many (default 10; with --from all)", valueHint: "n" },
    from: { type: "string", description: "Begin with this position", valueHint: "position" },
    follow: { type: "boolean", description: "Go on with what comes, until Ctrl-C" },
    category: { type: "string", description: "Only of this category, or of these: may be repeated" },
    type: { type: "string", description: "Only of this type, or of these: may be repeated" },
  },
  async run({ follow = false, ...args }, shell) {
    const limit = wholeNumber("limit", args.limit);
    const fromPosition = wholeNumber("from", args.from);
    if (follow && fromPosition !== undefined && limit !== undefined) {
      throw new UsageError("--follow with --from shows all that follows: there is no use for --limit.");
    }
    const filter = filterOf(shell);
    const { client, tablePrefix, output, signal } = shell;
    const store = createEventStore({ client, tablePrefix });
    if (!follow && fromPosition !== undefined) {
      await output.list(store.readAll({ ...filter, fromPosition, limit, signal }), FORM);
      return;
    }
    const show = createShow(output);
    let next = fromPosition;
    if (next === undefined) {
      const { events, end } = await readLast(store, { ...filter, limit, signal });
      await show(events);
      next = end + 1;
    }
    if (!follow) return;
    for await (const { events } of store.subscribeAll({ ...filter, fromPosition: next, signal })) {
      await show(events);
    }
  },
});

function filterOf({ valuesOf }: Shell): LogFilter {
  const categories = valuesOf("category");
  const stream = categories?.find((category) => category.includes("|"));
  if (stream !== undefined) throw new UsageError(`${stream} is a stream, no category.`);
  return { categories, types: valuesOf("type") };
}

/** The last events, the oldest of them first, and where the log ended. */
async function readLast(
  store: EventStore,
  { limit = DEFAULT_LIMIT, signal, ...filter }: ReadAllOptions,
): Promise<{ readonly events: readonly LoggedEvent[]; readonly end: number }> {
  const backward = { direction: "backward", signal } as const;
  let end = 0;
  for await (const { position } of store.readAll({ ...backward, limit: 1 })) end = position;
  const events: LoggedEvent[] = [];
  if (end > 0) {
    const last = store.readAll({ ...backward, ...filter, fromPosition: end, limit });
    for await (const event of last) events.push(event);
  }
  return { events: events.reverse(), end };
}

/** Shows events at once, all in one table. */
function createShow(output: Output): (events: readonly LoggedEvent[]) => Promise<void> {
  const rows = output.table(FORM.columns);
  return async (events) => {
    for (const event of events) {
      await (output.json ? output.writeJson(FORM.json(event)) : rows.add(FORM.row(event)));
    }
    await rows.flush();
  };
}
