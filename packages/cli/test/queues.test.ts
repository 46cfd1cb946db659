import { spawn } from "node:child_process";
import { once } from "node:events";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { startDynamoDBLocal } from "@tuppence/local";
import {
  createQueue,
  type Message,
  type MessageConsumeOptions,
  type Queue,
  type QueueConsumer,
} from "@tuppence/queue";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { cleanEnv, type Ended, MAIN, runHere } from "./cli-process.ts";

const server = await startDynamoDBLocal({ log: false });
const at = (database: string): string[] => ["--endpoint", server.endpoint, "--database", database];
const DATABASE = "cliqueues";
const run = (...args: readonly string[]): Promise<Ended> => runHere(["queues", ...args, ...at(DATABASE)]);
const done = (stdout: string): Ended => ({ exitCode: 0, stdout, stderr: "" });

/** A time that can be compared with what is printed. */
const TIME = "2026-01-02T03:04:05.006Z";

const client = new DynamoDBClient(server.clientConfig(DATABASE));

function openQueue(name: string): Queue {
  return createQueue({ client, name, runtime: { now: () => Date.parse(TIME) } });
}

const MESSAGES = [
  { body: { number: 1 }, key: "a", messageId: "m1" },
  { body: "poison", key: "b" },
  { body: { number: 3 }, key: "a", headers: { origin: "test" } },
  { body: { number: 4 }, key: "b" },
  { body: { number: 5 } },
];

/** A consumer that can't handle poison. */
function consumerOf(
  queue: Queue,
  group: string,
  options: MessageConsumeOptions & { readonly isCured?: boolean } = {},
): QueueConsumer {
  const { isCured = false, ...others } = options;
  const handler = ({ body }: Message): void => {
    if (body === "poison" && !isCured) throw new Error("unfit");
  };
  const fast = { pollIntervalMs: 5, backoff: { baseMs: 1, maxMs: 1 }, maxAttempts: 2 };
  return queue.consume(group, handler, { ...fast, ...others });
}

/** Runs a consumer while something is done. */
async function consumeWhile(consumer: QueueConsumer, work: () => Promise<unknown>): Promise<void> {
  await consumer.start();
  try {
    await work();
  } finally {
    await consumer.stop();
  }
}

/** Consumes up to the end, and lets go. */
async function consumeAll(...of: Parameters<typeof consumerOf>): Promise<void> {
  const consumer = consumerOf(...of);
  await consumeWhile(consumer, () => consumer.caughtUp());
}

/** Consumes until it is known that a lane stands still. */
async function consumeUntilBlocked(queue: Queue, group: string): Promise<void> {
  const blockedAt = async (): Promise<unknown> => (await queue.status(group)).lanes[0]?.failing?.blockedAt;
  await consumeWhile(consumerOf(queue, group), () =>
    vi.waitFor(async () => expect(await blockedAt()).toBe(2), { timeout: 30_000 }),
  );
}

/** A queue, one group of which has parked a key, another stands still, and a third is through. */
beforeAll(async () => {
  const queue = openQueue("orders");
  await queue.ensureTables();
  await queue.enqueue(MESSAGES);
  await Promise.all([
    consumeAll(queue, "letters", { onFailure: "parkKey" }),
    consumeUntilBlocked(queue, "mails"),
    consumeAll(queue, "resets", { isCured: true }),
  ]);
});

describe("tuppence queues list", () => {
  it("shows all that were ever used", async () => {
    const consumed = openQueue("consumed");
    await consumeAll(consumed, "one");
    const { stdout } = await run("list");
    expect(stdout).toContain("QUEUE");
    expect(stdout).toMatch(/^consumed +- +- {2}- +one$/m);
    expect(stdout).toMatch(/^orders +1 +5 {2}2026-01-02T03:04:05\.006Z {2}letters, mails, resets$/m);
    const listed = jsonLines(await run("list", "--json"));
    expect(listed).toContainEqual({
      name: "orders",
      createdAt: TIME,
      dedupWindowMs: 900_000,
      firstPosition: 1,
      lastPosition: 5,
      enqueuedAt: TIME,
      groups: ["letters", "mails", "resets"],
    });
  });

  it("shows nothing where nothing is", async () => {
    const words = ["queues", "list", ...at("cliqueuesempty")];
    expect(await runHere(words)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("tableMissing"),
    });
    await runHere(["tables", "create", ...at("cliqueuesempty")]);
    expect(await runHere(words)).toEqual(done(""));
  });
});

describe("tuppence queues depth", () => {
  it("shows what all groups have before them, and what is wrong", async () => {
    const { exitCode, stdout, stderr } = await run("depth", "orders");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const steady = stdout
      .replaceAll(/\d+ (s|min|h|d)\b/g, "N")
      .replaceAll(/attempt \d+/g, "attempt N")
      .replaceAll(/ +/g, " ");
    expect(steady).toBe(
      "GROUP POSITION LAST DEPTH LAG AGE PARKED LANES STATE\n" +
        "letters 5 5 0 0 - 2 1 waiting\n" +
        "mails 1 5 4 4 N 0 1 blocked\n" +
        "resets 5 5 0 0 - 0 1 waiting\n" +
        "mails, lane 0: blocked at 2, attempt N: Error: unfit\n",
    );
  });

  it("shows the lanes of one", async () => {
    const { stdout } = await run("depth", "orders", "--group", "letters");
    expect(stdout.slice(stdout.indexOf("\n\n"))).toBe(
      "\n\nLANE  POSITION  PARKED  OWNER\n   0         5       2  -\n",
    );
    expect(jsonLines(await run("depth", "orders", "--group=mails", "--json"))).toMatchObject([
      { group: "mails", position: 1, tail: 5, depth: 4, isExact: true, lag: 4, oldestAt: TIME, parked: 0 },
    ]);
  });

  it("tells of who is at it", async () => {
    const queue = openQueue("running");
    await queue.enqueue(MESSAGES);
    const consumer = consumerOf(queue, "mails", { workerId: "me", isCured: true });
    await consumeWhile(consumer, async () => {
      await consumer.caughtUp();
      const { stdout } = await run("depth", "running", "--group", "mails");
      expect(stdout).toMatch(/^mails +5 +5 +0 +0 +- +0 +1 {2}running$/m);
      expect(stdout.trimEnd().split("\n").at(-1)).toMatch(/^ +0 +5 +0 {2}me\S*$/);
    });
  });

  it("fails for a queue or a group that is not there", async () => {
    expect(await run("depth", "order")).toEqual({
      exitCode: 1,
      stdout: "",
      stderr:
        'error queueMissing: There is no queue "order" here: tuppence queues list shows those that there are.\n',
    });
    const ended = await run("depth", "orders", "--group", "nobody");
    expect(ended).toMatchObject({ exitCode: 1, stdout: "" });
    expect(ended.stderr).toMatch(/^error groupMissing: Queue "orders" has no group "nobody"/);
    expect((await run("depth", "a|b")).stderr).toMatch(/^error usage: "a\|b" is no name for a queue/);
  });
});

describe("tuppence queues peek", () => {
  it("shows messages and consumes none", async () => {
    expect(await run("peek", "orders", "--limit", "3")).toEqual(
      done(
        "POSITION  TIME                      KEY  BODY\n" +
          `       1  ${TIME}  a    {"number":1}\n` +
          `       2  ${TIME}  b    "poison"\n` +
          `       3  ${TIME}  a    {"number":3}\n`,
      ),
    );
    expect(jsonLines(await run("peek", "orders", "--from", "3", "--limit=1", "--json"))).toEqual([
      { position: 3, body: { number: 3 }, key: "a", headers: { origin: "test" }, enqueuedAt: TIME },
    ]);
    expect(jsonLines(await run("peek", "orders", "--json")).map(({ position }) => position)).toEqual([
      1, 2, 3, 4, 5,
    ]);
    expect(await run("peek", "orders", "--from", "6")).toEqual(done(""));
    expect(await run("peek", "orders", "--limit", "0")).toMatchObject({ exitCode: 2 });
  });
});

describe("tuppence queues tail", () => {
  it.each([
    { args: [], first: 8, titles: 1 },
    { args: ["--json", "--from", "2"], first: 2, titles: 0 },
  ])("shows what comes at once, each once, until Ctrl-C: $args", async ({ args, first, titles }) => {
    const queue = openQueue(`tailed ${args.length}`);
    const enqueue = (...numbers: readonly number[]): Promise<unknown> =>
      queue.enqueue(numbers.map((number) => ({ body: { number } })));
    await enqueue(...numbersBetween(1, 17));
    const words = [MAIN, "queues", "tail", queue.name, ...args, ...at(DATABASE)];
    const child = spawn(process.execPath, words, { env: cleanEnv(), stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    const ended = once(child, "close");
    const shown = (): readonly number[] =>
      [...stdout.matchAll(/"number":(\d+)/g)].map(([, digits]) => Number(digits));
    await expect.poll(shown, { timeout: 30_000 }).toEqual(numbersBetween(first, 17));
    await enqueue(18);
    await expect.poll(shown, { timeout: 30_000 }).toEqual(numbersBetween(first, 18));
    await enqueue(19, 20);
    await expect.poll(shown, { timeout: 30_000 }).toEqual(numbersBetween(first, 20));
    child.kill("SIGINT");
    expect(await ended).toEqual([130, null]);
    expect(stderr).toBe("");
    expect(stdout.match(/POSITION/g) ?? []).toHaveLength(titles);
  });
});

describe("tuppence queues parked and redrive", () => {
  it("show what was put aside", async () => {
    expect(await run("parked", "orders", "letters")).toEqual(
      done(
        "LANE  POSITION  KEY  TRIED  LAST TRIED                REDRIVE  ERROR\n" +
          `   0         2  b        2  ${TIME}  -        Error: unfit\n` +
          "   0         4  b        0  -                         -        behind another\n",
      ),
    );
    expect(jsonLines(await run("parked", "orders", "letters", "--json"))).toMatchObject([
      { position: 2, key: "b", reason: "failed", failures: [{ at: TIME, attempts: 2 }], redrive: "no" },
      { position: 4, key: "b", reason: "behind", failures: [], lane: 0 },
    ]);
    expect(await run("parked", "orders", "mails")).toEqual(done(""));
    expect(await run("parked", "orders", "nobody")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^error groupMissing: /),
    });
  });

  it("ask for it to be handled, or left out", async () => {
    const queue = openQueue("redriven");
    await queue.enqueue(MESSAGES);
    await consumeAll(queue, "letters", { onFailure: "parkKey" });
    const redrive = (...args: readonly string[]): Promise<Ended> =>
      run("redrive", "redriven", "letters", ...args);
    expect(await redrive("--key", "a")).toEqual(done("Nothing is parked.\n"));
    expect(await redrive("--position", "0")).toMatchObject({ exitCode: 2 });
    expect(jsonLines(await redrive("--position", "2", "--json"))).toEqual([{ messages: 2 }]);
    expect((await run("parked", "redriven", "letters")).stdout).toContain("  asked    Error: unfit");
    expect(await redrive("--key", "b", "--skip")).toEqual(done("Redrive is asked for: 2 messages.\n"));
    await consumeWhile(consumerOf(queue, "letters"), () =>
      expect.poll(() => queue.parked("letters"), { timeout: 30_000 }).toEqual([]),
    );
  });
});

describe("tuppence queues reset", () => {
  it.each([
    { to: "beginning", position: 1 },
    { to: "end", position: 6 },
    { to: "3", position: 3 },
    { to: "2026-01-02", position: 1 },
    { to: "2026-01-02T03:04:05Z", position: 1 },
    { to: "2026-01-02T04:04:06+01:00", position: 6 },
    { to: "1h", position: 6 },
  ])("lets a group begin anew at $to", async ({ to, position }) => {
    expect(await run("reset", "orders", "resets", "--to", to)).toEqual(
      done(`resets begins anew at position ${position}.\n`),
    );
  });

  it("gives what that comes to as JSON", async () => {
    const [status] = jsonLines(await run("reset", "orders", "resets", "--to", "4", "--json"));
    expect(status).toMatchObject({ group: "resets", position: 3, tail: 5, depth: 2, parked: 0 });
  });

  it("refuses what is no place", async () => {
    const refusal = (to: string): string =>
      `error usage: --to is "${to}"; it has to be beginning, end, a position from 1, a time such as ` +
      "2026-03-01T12:00Z, or 2h for two hours ago. See tuppence queues reset --help.\n";
    for (const to of ["0", "-1", "start", "2026-13-01", "2026-01-02T03:04:05", "1e3"]) {
      expect(await run("reset", "orders", "resets", `--to=${to}`)).toEqual({
        exitCode: 2,
        stdout: "",
        stderr: refusal(to),
      });
    }
    expect(await run("reset", "orders", "resets")).toMatchObject({ exitCode: 2, stdout: "" });
    expect(await run("reset", "orders", "nobody", "--to", "end")).toMatchObject({ exitCode: 1, stdout: "" });
  });

  it("is refused where messages were trimmed", async () => {
    const queue = openQueue("trimmed");
    await queue.enqueue(MESSAGES);
    await queue.enqueue(MESSAGES.slice(1));
    await consumeAll(queue, "one", { isCured: true });
    // Long after its window.
    const later = createQueue({
      client,
      name: "trimmed",
      runtime: { now: () => Date.parse(TIME) + 86_400_000 },
    });
    await later.trim();
    expect((await run("reset", "trimmed", "one", "--to", "beginning")).stdout).toBe(
      "one begins anew at position 6.\n",
    );
    expect(await run("reset", "trimmed", "one", "--to", "2")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^error queueTrimmed: /),
    });
    expect(await run("peek", "trimmed", "--from", "5")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^error queueTrimmed: /),
    });
    expect((await run("list")).stdout).toMatch(/^trimmed +6 +9 /m);
  });
});

function numbersBetween(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function jsonLines({ stdout }: Ended): readonly Readonly<Record<string, unknown>>[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
}
