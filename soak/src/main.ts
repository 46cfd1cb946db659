import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { defineCommand, runMain } from "citty";
import { countDatabaseLosses } from "./database-losses.ts";
import { reportOf } from "./report.ts";
import { runSoak } from "./run-soak.ts";

// The SDK's notice on the end of its support for Node 20 would come between the lines.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

// The processes of the run end with it.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

await runMain(
  defineCommand({
    meta: {
      name: "soak",
      description: "Everything at once, killed at random, and an audit of what is left.",
    },
    args: {
      minutes: { type: "string", default: "10", description: "How long there is work and there are blows" },
      seed: {
        type: "string",
        description: "What is done, and who is hit when. Default: another in each run",
      },
      every: { type: "string", default: "2", description: "Seconds from one blow to the next, about" },
      json: { type: "boolean", default: false, description: "Print one JSON object as the last line" },
      "database-kills": {
        type: "string",
        description: "Only kill DynamoDB Local so often, and count what it loses by itself",
      },
      keep: {
        type: "boolean",
        default: false,
        description: "Keep journals and data of a run without problems",
      },
    },
    async run({ args }) {
      const machine = `Node ${process.version}, ${availableParallelism()} cores (${cpus()[0]?.model.trim()})`;
      console.log(machine);
      if (args["database-kills"] !== undefined) return killDatabase(args["database-kills"]);
      await using soak = await runSoak({
        seed: positive("seed", args.seed ?? String(Date.now() % 1_000_000)),
        durationMs: positive("minutes", args.minutes) * 60_000,
        everyMs: positive("every", args.every) * 1_000,
        tell: (text) => console.log(text),
      });
      const audit = await soak.audit();
      const { text, ...report } = reportOf(soak, audit);
      console.log(text);
      if (args.json) console.log(JSON.stringify({ machine, ...report }));
      if (report.isClean && !args.keep) {
        await soak[Symbol.asyncDispose]();
        await rm(soak.folder, { recursive: true });
      } else console.log(`Journals and data are in ${soak.folder}`);
      if (!report.isClean) process.exitCode = 1;
    },
  }),
);

async function killDatabase(kills: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "tuppence-soak-database-"));
  console.log(JSON.stringify(await countDatabaseLosses(folder, positive("database-kills", kills))));
  await rm(folder, { recursive: true });
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new RangeError(`--${option} is ${JSON.stringify(text)}; it has to be a number above 0.`);
}
