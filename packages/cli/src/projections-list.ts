import { createProjections, type ProjectionSummary } from "@tuppence/projections";
import { type Command, defineCommand } from "./shell/command.ts";

/** `tuppence projections list` */
export const list: Command = defineCommand({
  description: "List the projections that were ever run, and their builds",
  args: {},
  async run(_, { client, tablePrefix, output }) {
    const projections = await createProjections({ client, tablePrefix }).list();
    if (output.json) {
      for (const each of projections) await output.writeJson(each);
      return;
    }
    const table = output.table([
      { title: "PROJECTION" },
      { title: "KIND" },
      { title: "STATE" },
      { title: "VERSION", align: "right" },
      { title: "BUILD", align: "right" },
      { title: "SLOTS", align: "right" },
      { title: "NEXT" },
    ]);
    for (const each of projections) {
      const { name, kind, paused, live } = each;
      const numbers = [live.version, live.number, live.slots].map(String);
      await table.add([name, kind, paused ? "paused" : "active", ...numbers, describeNext(each)]);
    }
    await table.flush();
  },
});

function describeNext({ next, nextRate }: ProjectionSummary): string {
  if (next === undefined) return "-";
  const rate = nextRate === undefined ? "" : `, ${nextRate}/s`;
  return `build ${next.number} of version ${next.version}${rate}`;
}
