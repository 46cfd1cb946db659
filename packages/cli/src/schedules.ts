import { cancel, fireNow, recover } from "./schedules-change.ts";
import { list } from "./schedules-list.ts";
import { parked, replay } from "./schedules-parked.ts";
import { show } from "./schedules-show.ts";
import type { CommandGroup } from "./shell/command.ts";

/** `tuppence schedules …` */
export const SCHEDULE_COMMANDS: CommandGroup = {
  name: "tuppence schedules",
  description: "Schedules, whoever fires them",
  members: { list, show, cancel, "fire-now": fireNow, parked, replay, recover },
};
