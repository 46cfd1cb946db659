import { COST_COMMAND } from "./cost.ts";
import { LOG_COMMANDS } from "./log.ts";
import { PROJECTION_COMMANDS } from "./projections.ts";
import { QUEUE_COMMANDS } from "./queues.ts";
import { SCHEDULE_COMMANDS } from "./schedules.ts";
import type { CommandGroup } from "./shell/command.ts";
import { STREAM_COMMANDS } from "./streams.ts";
import { TABLE_COMMANDS } from "./tables.ts";

/** All commands: `tuppence <group> <command>`. */
export const COMMANDS: CommandGroup = {
  name: "tuppence",
  description: "Look at and look after event stores on DynamoDB.",
  members: {
    tables: TABLE_COMMANDS,
    streams: STREAM_COMMANDS,
    log: LOG_COMMANDS,
    projections: PROJECTION_COMMANDS,
    queues: QUEUE_COMMANDS,
    schedules: SCHEDULE_COMMANDS,
    cost: COST_COMMAND,
  },
};
