import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { parse } from "csv-parse/sync";
import { z } from "zod";
import type { AdviceCommand, ConfirmationCommand, PermitCommand, RulingCommand } from "./permit.ts";
import { type Application, permitEvents, type Ruling, type Task } from "./permit-events.ts";

/** One row of the file: a task that was done, as the command that leads to it. */
export interface LoggedTask {
  readonly streamId: string;
  readonly command: PermitCommand;
  /** The department that the case belongs to: what every event of it says in its metadata. */
  readonly department: string;
}

/** The category of the streams: `permit|case-10011`. */
export const CATEGORY = "permit";

/** `2011-10-11 13:45:40.276` */
const time = z.string().transform((text) => text.replace(" ", "T"));
const group = z.string().transform((name) => (name === "" || name === "EMPTY" ? null : name));

/** Left out: what is known only when the case has ended, and what is the same in all rows. */
const rowSchema = z.object({
  "case:concept:name": z.string(),
  "case:channel": permitEvents.ApplicationReceived.shape.channel,
  "case:department": z.string(),
  "case:responsible": z.string(),
  "case:group": group,
  "case:startdate": time,
  "case:enddate_planned": time,
  "case:deadline": time,
  "concept:instance": z.string(),
  "concept:name": z.string(),
  "org:resource": z.string(),
  "org:group": group,
  "time:timestamp": time,
});

type Row = z.infer<typeof rowSchema>;

/** The commands that say nothing but who does it and when. */
type PlainCommand = Exclude<
  ConfirmationCommand | AdviceCommand,
  { type: "receiveApplication" | "draftInternalAdvice" | "receiveExternalAdvice" }
>;

/** Reads the real log that the npm package pm4js brings along, in the order of time. */
export async function readReceiptLog(): Promise<readonly LoggedTask[]> {
  const path = createRequire(import.meta.url).resolve("pm4js/examples/input_data/receipt.csv");
  const rows = z.array(rowSchema).parse(parse(await readFile(path), { columns: true }));
  return rows
    .map((each) => ({
      streamId: `${CATEGORY}|${each["case:concept:name"]}`,
      command: commandOf(each),
      department: each["case:department"],
    }))
    .sort((one, other) => (one.command.data.at < other.command.data.at ? -1 : 1));
}

/** The tasks of the file by their codes. */
const TASKS: ReadonlyMap<string, PlainCommand["type"]> = new Map([
  ["T02", "checkConfirmation"],
  ["T03", "adjustConfirmation"],
  ["T04", "determineConfirmation"],
  ["T05", "sendConfirmation"],
  ["T06", "considerStopAdvice"],
  ["T08", "requestExternalAdvice"],
  ["T10", "decideStop"],
]);

/** Document X (T11 to T15) and report Y (T16 to T20) go through the same hands. */
const RULING_TASKS: ReadonlyMap<string, readonly [Ruling, RulingCommand["type"]]> = new Map([
  ["T11", ["unlicensed", "draftRuling"]],
  ["T12", ["unlicensed", "checkRuling"]],
  ["T13", ["unlicensed", "adjustRuling"]],
  ["T14", ["unlicensed", "determineRuling"]],
  ["T15", ["unlicensed", "printRuling"]],
  ["T16", ["hold", "draftRuling"]],
  ["T17", ["hold", "checkRuling"]],
  ["T18", ["hold", "adjustRuling"]],
  ["T19", ["hold", "determineRuling"]],
  ["T20", ["hold", "printRuling"]],
]);

function commandOf(row: Row): PermitCommand {
  const data = {
    taskId: row["concept:instance"],
    employee: row["org:resource"],
    group: row["org:group"],
    at: row["time:timestamp"],
  };
  // "T07-2 Draft intern advice aspect 2" is task T07, number 2.
  const [, code = "", number] = /^(\w+)(?:-(\d))? /.exec(row["concept:name"]) ?? [];
  if (code === "Confirmation")
    return { type: "receiveApplication", data: { ...data, ...applicationOf(row) } };
  if (code === "T07") return { type: "draftInternalAdvice", data: { ...data, aspect: Number(number) } };
  if (code === "T09") return { type: "receiveExternalAdvice", data: { ...data, party: Number(number) } };
  const type = TASKS.get(code);
  if (type !== undefined) return { type, data };
  const [ruling, rulingType] = RULING_TASKS.get(code) ?? [];
  if (ruling !== undefined && rulingType !== undefined)
    return { type: rulingType, data: { ...data, ruling } };
  throw new TypeError(`The file has an unknown task: ${row["concept:name"]}`);
}

function applicationOf(row: Row): Omit<Application, keyof Task> {
  return {
    channel: row["case:channel"],
    department: row["case:department"],
    responsible: row["case:responsible"],
    responsibleGroup: row["case:group"],
    startsAt: row["case:startdate"],
    plannedEndAt: row["case:enddate_planned"],
    deadlineAt: row["case:deadline"],
  };
}
