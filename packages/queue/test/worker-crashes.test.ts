import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateTableCommand, DynamoDBClient, paginateScan } from "@aws-sdk/client-dynamodb";
import { startDynamoDBLocal } from "@tuppence/local";
import { expect, it, onTestFailed, onTestFinished, vi } from "vitest";
import { createQueue } from "../src/index.ts";
import { seededRandom } from "@tuppence/test-support/seeded-random";
import { WorkerCrew, type WorkerProcess } from "@tuppence/test-support/worker-crew";

const WORKERS = 3;
const BLOWS = 3;
const MESSAGES_A_BLOW = 90;
const KEYS = 7;
const PROGRAM = new URL("queue-worker-process.mjs", import.meta.url);
const PATIENCE = { timeout: 60_000, interval: 100 };
const TABLE_PREFIX = "crashes";
const LEDGER = "crashes-ledger";

/** Another with `SEED=…`. */
const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const config = (await startDynamoDBLocal({ log: false })).clientConfig("queuecrashes");

/** What the transactions left: how often each message was done, by position. */
async function readLedger(client: DynamoDBClient): Promise<ReadonlyMap<number, number>> {
  const counts = new Map<number, number>();
  for await (const { Items = [] } of paginateScan({ client }, { TableName: LEDGER, ConsistentRead: true })) {
    for (const { p, n } of Items) {
      const [kind, position] = (p?.S ?? "").split(" ");
      if (kind === "message") counts.set(Number(position), Number(n?.N));
    }
  }
  return counts;
}

/** One that has a lane, as far as one can see from what it says. */
function victim(crew: WorkerCrew, random: number): WorkerProcess {
  const { awake } = crew;
  const busy = awake.filter(({ lines }) => lines.some((line) => line.startsWith("handled")));
  const some = busy.length > 0 ? busy : awake;
  return some.at(Math.floor(random * some.length)) as WorkerProcess;
}

it("consumers that are killed and frozen again and again handle all messages in order, and once in a transaction", {
  timeout: 180_000,
}, async () => {
  console.info(`Consumers are killed and frozen by SEED=${seed}`);
  const random = seededRandom(seed);
  const client = new DynamoDBClient(config);
  const queue = createQueue({ client, tablePrefix: TABLE_PREFIX, name: "q" });
  await queue.ensureTables();
  await client.send(
    new CreateTableCommand({
      TableName: LEDGER,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "p", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "p", AttributeType: "S" }],
    }),
  );
  const folder = mkdtempSync(join(tmpdir(), "letters-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const lettersFile = join(folder, "letters");
  const options = {
    config,
    tablePrefix: TABLE_PREFIX,
    queueName: "q",
    ledgerTable: LEDGER,
    lettersFile,
    leaseDurationMs: 1_000,
  };
  const crew = new WorkerCrew(WORKERS, { file: PROGRAM, options });
  onTestFinished(() => crew.kill());
  onTestFailed(() => {
    for (const { name, lines, errors } of crew.all) console.info(name, lines.slice(-30), errors.slice(-30));
  });
  const groups = ["ledger", "letters"];
  const reached = async (position: number): Promise<void> =>
    vi.waitFor(async () => {
      const all = await Promise.all(groups.map((group) => queue.status(group)));
      for (const status of all) expect(status.position).toBeGreaterThanOrEqual(position);
    }, PATIENCE);
  await reached(0);
  let total = 0;
  for (let blow = 0; blow < BLOWS; blow++) {
    const enqueued = Array.from({ length: MESSAGES_A_BLOW / 10 }, async () => {
      const messages = Array.from({ length: 10 }, () => ({
        body: { text: "letter" },
        key: `k${Math.floor(random() * KEYS)}`,
      }));
      await queue.enqueue(messages);
    });
    await Promise.all(enqueued);
    await reached(total + 1 + Math.floor((random() * MESSAGES_A_BLOW) / 2));
    total += MESSAGES_A_BLOW;
    // Goes on with what others have now.
    crew.thaw();
    await crew.hit(victim(crew, random()), blow % 2 === 0 ? "freeze" : "kill");
  }
  await reached(total);
  expect(await crew.stop()).toEqual(Array.from({ length: WORKERS }, () => 0));

  const all = Array.from({ length: total }, (_, index) => index + 1);
  const counts = await readLedger(client);
  expect([...counts.keys()].toSorted((one, other) => one - other)).toEqual(all);
  expect([...counts.values()].filter((count) => count !== 1)).toEqual([]);
  // Lane 0 alone: what a new owner begins with comes again, and nothing is before what was not done.
  const letters = readFileSync(lettersFile, "utf8").trim().split("\n").map(Number);
  expect([...new Set(letters)]).toEqual(all);
  for (const group of groups)
    expect(await queue.status(group)).toMatchObject({ depth: 0, parked: 0, position: total });
});
