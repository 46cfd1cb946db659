import { createEventStore } from "@tuppence/core";
import { type CommandGroup, defineCommand } from "./shell/command.ts";
import { UsageError, wholeNumber } from "./shell/usage-error.ts";

const list = defineCommand({
  description: "List streams: of a category in order of their names, or of all in no order",
  args: {
    category: { type: "positional", required: false, description: "What comes before the first | of a name" },
    limit: { type: "string", description: "At most so many", valueHint: "n" },
    after: { type: "string", description: "Go on after this stream of the category", valueHint: "stream" },
  },
  async run({ category, after, ...args }, { client, tablePrefix, output, signal }) {
    const limit = wholeNumber("limit", args.limit);
    if (category?.includes("|")) {
      throw new UsageError(`${category} is a stream, no category: see tuppence streams show.`);
    }
    if (after !== undefined && category === undefined) throw new UsageError("--after needs a category.");
    const store = createEventStore({ client, tablePrefix });
    await output.list(store.listStreams(category, { limit, after, signal }), {
      columns: [{ title: "STREAM" }],
      row: (streamId) => [streamId],
      json: (streamId) => ({ streamId }),
    });
  },
});

const show = defineCommand({
  description: "Show the events of a stream, one on each line",
  args: {
    stream: { type: "positional", required: true, description: "Its name, such as 'permit|case-1'" },
    from: { type: "string", description: "Begin with this version", valueHint: "version" },
    limit: { type: "string", description: "At most so many events", valueHint: "n" },
    backward: { type: "boolean", description: "The newest first" },
  },
  async run({ stream, backward = false, ...args }, { client, tablePrefix, output, signal }) {
    const fromVersion = wholeNumber("from", args.from);
    const limit = wholeNumber("limit", args.limit);
    const store = createEventStore({ client, tablePrefix });
    const direction = backward ? "backward" : "forward";
    await output.list(store.read(stream, { direction, fromVersion, limit, signal }), {
      columns: [
        { title: "VERSION", align: "right" },
        { title: "TIME" },
        { title: "TYPE" },
        { title: "DATA" },
      ],
      row: ({ version, recordedAt, type, data }) => [
        String(version),
        recordedAt.toISOString(),
        type,
        JSON.stringify(data),
      ],
      json: (event) => event,
    });
  },
});

/** `tuppence streams …` */
export const STREAM_COMMANDS: CommandGroup = {
  name: "tuppence streams",
  description: "Streams and their events",
  members: { list, show },
};
