import { pauseProjection, reset, resume } from "./projections-change.ts";
import { list } from "./projections-list.ts";
import { parked, replay } from "./projections-parked.ts";
import { rebuild } from "./projections-rebuild.ts";
import { status } from "./projections-status.ts";
import type { CommandGroup } from "./shell/command.ts";

/** `tuppence projections …` */
export const PROJECTION_COMMANDS: CommandGroup = {
  name: "tuppence projections",
  description: "Projections, wherever they run",
  members: { list, status, pause: pauseProjection, resume, rebuild, reset, parked, replay },
};
