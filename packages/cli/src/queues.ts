import { reset } from "./queues-change.ts";
import { depth } from "./queues-depth.ts";
import { list } from "./queues-list.ts";
import { peek, tail } from "./queues-messages.ts";
import { parked, redrive } from "./queues-parked.ts";
import type { CommandGroup } from "./shell/command.ts";

/** `tuppence queues …` */
export const QUEUE_COMMANDS: CommandGroup = {
  name: "tuppence queues",
  description: "Queues and their consumer groups, wherever they run",
  members: { list, depth, peek, tail, parked, redrive, reset },
};
