import { tail } from "./log-tail.ts";
import { audit } from "./log-audit.ts";
import type { CommandGroup } from "./shell/command.ts";

/** `tuppence log …` */
export const LOG_COMMANDS: CommandGroup = {
  name: "tuppence log",
  description: "The global log",
  members: { tail, audit },
};
