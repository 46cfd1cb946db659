import {
  ensureTables,
  readTableStatus,
  TableMismatchError,
  TableMissingError,
  type TableStatus,
} from "@tuppence/core";
import { createDynamoDBProjectionStorage, documentsTable } from "@tuppence/projections";
import { createScheduler, schedulesTable } from "@tuppence/scheduler";
import { cloudFormationTemplate } from "./cloudformation.ts";
import { type CommandGroup, defineCommand, type Shell } from "./shell/command.ts";
import { UsageError } from "./shell/usage-error.ts";
import { storeTables } from "./store-tables.ts";

function readStatus({ client, tablePrefix }: Shell): Promise<TableStatus[]> {
  return Promise.all(
    storeTables(tablePrefix).map(({ definition, ttlAttribute }) =>
      readTableStatus(client, definition, ttlAttribute),
    ),
  );
}

const create = defineCommand({
  description: "Create the tables that are missing",
  args: {},
  async run(_, shell) {
    const { client, tablePrefix, output } = shell;
    const before = await readStatus(shell);
    await ensureTables({ client, tablePrefix });
    await createDynamoDBProjectionStorage(client, tablePrefix).ensureTables();
    await createScheduler({ client, tablePrefix }).ensureTables();
    const tables = before.map(({ tableName, status }) => ({ tableName, created: status === undefined }));
    if (output.json) return output.writeJson({ tables });
    const table = output.table([{ title: "TABLE" }, { title: "RESULT" }]);
    for (const { tableName, created } of tables)
      await table.add([tableName, created ? "created" : "was there"]);
    await table.flush();
  },
});

const status = defineCommand({
  description: "Show which tables are there and whether they serve; fails if one does not",
  args: {},
  async run(_, shell) {
    const { output } = shell;
    const tables = await readStatus(shell);
    if (output.json) await output.writeJson({ tables });
    else {
      const table = output.table([
        { title: "TABLE" },
        { title: "STATUS" },
        { title: "ITEMS", align: "right" },
        { title: "SIZE", align: "right" },
        { title: "TTL" },
        { title: "STREAM" },
      ]);
      for (const { tableName, status: word = "MISSING", items, bytes, ttlAttribute, streamArn } of tables) {
        const size = [String(items ?? "-"), formatBytes(bytes)];
        await table.add([tableName, word, ...size, ttlAttribute ?? "-", streamArn ?? "-"]);
      }
      await table.flush();
    }
    // Without projections there is no need for the one, without schedules none for the other.
    const { tablePrefix } = shell;
    const optional = [documentsTable(tablePrefix).TableName, schedulesTable(tablePrefix).TableName];
    for (const { tableName, status: word, differences } of tables) {
      const isOptional = optional.includes(tableName);
      if (word === undefined && !isOptional) throw new TableMissingError(tableName);
      if (differences.length > 0) throw new TableMismatchError(tableName, differences);
    }
  },
});

const UNITS = ["B", "KB", "MB", "GB", "TB"];

/** In units of 1,024. */
function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined) return "-";
  let size = bytes;
  let unit = 0;
  while (size >= 1_024 && unit < UNITS.length - 1) {
    size /= 1_024;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${UNITS[unit]}`;
}

/** `tuppence tables --format cloudformation`: looks at no table. */
const template = defineCommand({
  description: "Print the tables as a template",
  args: {
    format: { type: "string", description: "cloudformation: the tables as a template, in JSON" },
  },
  async run({ format }, { tablePrefix, output }) {
    if (format === undefined) {
      throw new UsageError("Options come after the command; without one, --format cloudformation is needed.");
    }
    if (format !== "cloudformation") {
      throw new UsageError(`--format is ${JSON.stringify(format)}; it has to be cloudformation.`);
    }
    await output.writeDocument(cloudFormationTemplate(tablePrefix, storeTables(tablePrefix)));
  },
});

/** `tuppence tables …` */
export const TABLE_COMMANDS: CommandGroup = {
  name: "tuppence tables",
  description: "The tables of a store; with --format as a template",
  members: { create, status },
  alone: template,
};
