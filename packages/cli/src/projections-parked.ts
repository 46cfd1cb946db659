import { createProjections } from "@tuppence/projections";
import { type Command, defineCommand } from "./shell/command.ts";
import { wholeNumber } from "./shell/usage-error.ts";

/** `tuppence projections parked` */
export const parked: Command = defineCommand({
  description: "Show the events that a projection has put aside, and why",
  args: {
    projection: { type: "positional", required: true, description: "Its name" },
    stream: { type: "string", description: "Only of this stream", valueHint: "stream" },
    limit: { type: "string", description: "At most so many", valueHint: "n" },
  },
  async run({ projection, stream: streamId, ...args }, { client, tablePrefix, output }) {
    const limit = wholeNumber("limit", args.limit);
    const projections = createProjections({ client, tablePrefix });
    await output.list(projections.parked(projection, { streamId, limit }), {
      columns: [
        { title: "BUILD", align: "right" },
        { title: "SLOT", align: "right" },
        { title: "POSITION", align: "right" },
        { title: "STREAM" },
        { title: "VERSION", align: "right" },
        { title: "TYPE" },
        { title: "TRIED", align: "right" },
        { title: "REPLAY" },
        { title: "ERROR" },
      ],
      row: ({ build, slot, position, streamId: stream, version, type, attempts, replay: asked, error }) => [
        String(build),
        String(slot),
        String(position),
        stream,
        String(version),
        type,
        String(attempts),
        asked ?? "-",
        error ?? "behind another",
      ],
      json: (event) => event,
    });
  },
});

/** `tuppence projections replay` */
export const replay: Command = defineCommand({
  description: "Ask for what a projection has put aside to be handled now; its worker does that",
  args: {
    projection: { type: "positional", required: true, description: "Its name" },
    stream: { type: "string", description: "Only of this stream", valueHint: "stream" },
    skip: { type: "boolean", description: "Leave out the event at which each stream stopped, for good" },
  },
  async run({ projection, stream: streamId, skip = false }, { client, tablePrefix, output }) {
    const events = await createProjections({ client, tablePrefix }).replay(projection, { streamId, skip });
    if (output.json) return output.writeJson({ events });
    await output.writeLine(
      events === 0 ? "Nothing is parked." : `Replay is asked for: ${events} event${events === 1 ? "" : "s"}.`,
    );
  },
});
