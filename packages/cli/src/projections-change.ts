import { createProjections } from "@tuppence/projections";
import { type Command, defineCommand } from "./shell/command.ts";
import { UsageError } from "./shell/usage-error.ts";

const PROJECTION = { type: "positional", required: true, description: "Its name" } as const;

/** `tuppence projections pause` */
export const pauseProjection: Command = defineCommand({
  description: "Let a projection stand still until it is resumed",
  args: { projection: PROJECTION },
  async run({ projection }, { client, tablePrefix, output }) {
    const summary = await createProjections({ client, tablePrefix }).pause(projection);
    if (output.json) return output.writeJson(summary);
    await output.writeLine(`${projection} is paused.`);
  },
});

/** `tuppence projections resume` */
export const resume: Command = defineCommand({
  description: "Let a projection go on",
  args: { projection: PROJECTION },
  async run({ projection }, { client, tablePrefix, output }) {
    const summary = await createProjections({ client, tablePrefix }).resume(projection);
    if (output.json) return output.writeJson(summary);
    await output.writeLine(`${projection} goes on.`);
  },
});

/** `tuppence projections reset` */
export const reset: Command = defineCommand({
  description:
    "Begin a projection anew: what readers see is empty at first, and a reactor repeats its effects",
  args: {
    projection: PROJECTION,
    yes: { type: "boolean", description: "That is what you want" },
  },
  async run({ projection, yes = false }, { client, tablePrefix, output }) {
    if (!yes) {
      throw new UsageError(
        `reset empties ${projection} for its readers, and repeats the effects of a reactor; --yes if you want that.`,
      );
    }
    const summary = await createProjections({ client, tablePrefix }).reset(projection);
    if (output.json) return output.writeJson(summary);
    const { live, startPosition } = summary;
    await output.writeLine(
      `${projection} begins anew at position ${startPosition + 1}: build ${live.number} is live.`,
    );
  },
});
