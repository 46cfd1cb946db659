/** The program of a process: its argument is its input as JSON. SIGTERM lets it end what is under way. */
import { consume } from "./consume.ts";
import { enqueue } from "./enqueue.ts";
import { feedLog } from "./feed-log.ts";
import { fire } from "./fire.ts";
import type { ProcessInput, Role, Work } from "./process-input.ts";
import { project } from "./project.ts";
import { schedule } from "./schedule.ts";
import { writeEvents } from "./write-events.ts";

const WORK: Readonly<Record<Role, Work>> = {
  writer: writeEvents,
  log: feedLog,
  projector: project,
  producer: enqueue,
  consumer: consume,
  creator: schedule,
  firing: fire,
};

const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
// Whoever started it is gone.
process.stdin.once("end", () => process.exit(2)).resume();
process.stdout.write("started\n");

const input = JSON.parse(process.argv[2] ?? "") as ProcessInput;
await WORK[input.role](input, stop.signal);
process.exit(0);
