import { existsSync, writeFileSync } from "node:fs";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore } from "@tuppence/core";
import { createProjectionWorker } from "@tuppence/projections";
import { districts, files, holders, ledger, letters } from "./permit-projections.mjs";

/**
 * A process with a projection worker, as its user would write it: built packages, plain Node. Its argument is the configuration as JSON;
 * each thing that happens is a line of its output. SIGTERM stops it.
 */

const { config, tablePrefix, ledgerTable, lettersFile, only, freezeFile, fences, ...options } = JSON.parse(
  process.argv[2] ?? "{}",
);
const client = new DynamoDBClient(config);
const say = (line) => process.stdout.write(`${line}\n`);

/** Stops this process with a transaction of its ledger ready to be sent, once; tells what comes of those that are sent. */
if (freezeFile !== undefined) {
  const send = (next) => async (args) => {
    const isLedger = args.input.TransactItems?.some(({ Update }) => Update?.TableName === ledgerTable);
    if (!isLedger) return next(args);
    if (!existsSync(freezeFile)) {
      writeFileSync(freezeFile, "");
      process.kill(process.pid, "SIGSTOP");
    }
    try {
      const result = await next(args);
      say("transaction accepted");
      return result;
    } catch (error) {
      say(`transaction ${error.name}`);
      throw error;
    }
  };
  client.middlewareStack.add(send, { step: "finalizeRequest", priority: "low" });
}

/** For negative controls: a worker without what keeps zombies off. */
async function unguarded(settings) {
  const { createProjectionWorkerOn } = await import("../dist/worker/create-projection-worker.js");
  const { PROJECTION_GUARDS } = await import("../dist/run/guards.js");
  return createProjectionWorkerOn(settings, { guards: { ...PROJECTION_GUARDS, fences: false } });
}

const all = [files, districts, holders, ledger(ledgerTable), letters(lettersFile)];
const settings = {
  ...options,
  client,
  tablePrefix,
  store: createEventStore({ client, tablePrefix }),
  projections: all.filter(({ name }) => only?.includes(name) ?? true),
  onEvent(happened) {
    const { type, projection, build, slot, error } = happened.type === "lease" ? happened.event : happened;
    if (error !== undefined && type !== "retrying") console.error(type, error);
    say([type, projection && `${projection}@${build}#${slot}`, happened.event?.resource].join(" ").trim());
  },
};
const worker = fences === false ? await unguarded(settings) : createProjectionWorker(settings);
process.once("SIGTERM", () => void worker.stop().then(() => process.exit(0)));
say(`starts ${worker.workerId}`);
worker.start();

// Whoever started it is gone.
process.stdin.on("end", () => process.exit(2)).resume();
