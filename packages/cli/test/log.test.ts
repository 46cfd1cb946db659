import { spawn } from "node:child_process";
import { once } from "node:events";
import { DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { createEventStore, createSequencer, type EventStore, type Item } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { beforeAll, describe, expect, it } from "vitest";
import { cleanEnv, type Ended, MAIN, runHere } from "./cli-process.ts";

const server = await startDynamoDBLocal({ log: false });
const at = (database: string): string[] => ["--endpoint", server.endpoint, "--database", database];
const done = (stdout: string): Ended => ({ exitCode: 0, stdout, stderr: "" });

/** A time that can be compared with what is printed. */
const TIME = "2026-01-02T03:04:05.006Z";
const MINUTE_MS = 60_000;

interface World {
  readonly client: DynamoDBClient;
  readonly store: EventStore;
  /** Minutes after `TIME`, by the store's clock. */
  minutes: number;
  /** Puts commits of a stream into the log, by the versions that they begin with, and what the sequencer looks for with them. */
  readonly sequence: (streamId: string, ...versions: readonly number[]) => Promise<void>;
}

async function worldIn(database: string): Promise<World> {
  const client = new DynamoDBClient(server.clientConfig(database));
  const runtime = { now: () => Date.parse(TIME) + world.minutes * MINUTE_MS };
  const store = createEventStore({ client, runtime });
  const world: World = {
    client,
    store,
    minutes: 0,
    async sequence(streamId, ...versions) {
      const items: Item[] = [];
      for (const version of versions) {
        const Key = { p: { S: streamId }, s: { N: String(version) } };
        const { Item } = await client.send(new GetItemCommand({ TableName: "tuppence-events", Key }));
        if (Item === undefined) throw new Error(`${streamId} has no commit ${version}`);
        items.push(Item);
      }
      await createSequencer({ client, runtime }).sequence(items);
    },
  };
  await store.ensureTables();
  return world;
}

const granted = (number: number) => ({ type: "Granted", data: { number } });

describe("tuppence log tail", () => {
  const DATABASE = "clilogtail";
  const tail = (...args: readonly string[]): Promise<Ended> =>
    runHere(["log", "tail", ...args, ...at(DATABASE)]);

  beforeAll(async () => {
    const { store, sequence } = await worldIn(DATABASE);
    await store.append("permit|1", [
      { type: "ApplicationReceived", data: { channel: "Internet" } },
      granted(1),
    ]);
    await sequence("permit|1", 1);
    for (let number = 2; number <= 11; number += 1) await store.append("permit|2", [granted(number)]);
    await sequence("permit|2", ...Array.from({ length: 10 }, (_, index) => index + 1));
    await store.append("office|1", [{ type: "Closed", data: null }]);
    await sequence("office|1", 1);
  });

  it("shows the last ten, the oldest of them first", async () => {
    const { exitCode, stdout, stderr } = await tail();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(11);
    expect([lines[0], lines[1], lines[10]]).toEqual([
      "POSITION  TIME                      STREAM    VERSION  TYPE     DATA",
      `       4  ${TIME}  permit|2        2  Granted  {"number":3}`,
      `      13  ${TIME}  office|1        1  Closed   null`,
    ]);
  });

  it("shows as many as asked for, of categories and types", async () => {
    expect(await tail("--limit", "1", "--category", "permit")).toEqual(
      done(
        "POSITION  TIME                      STREAM    VERSION  TYPE     DATA\n" +
          `      12  ${TIME}  permit|2       10  Granted  {"number":11}\n`,
      ),
    );
    const args = ["--json", "--category", "office", "--category=permit"];
    const several = await tail(...args, "--type", "Closed", "--type", "ApplicationReceived");
    expect(jsonLines(several)).toMatchObject([
      { position: 1, streamId: "permit|1", version: 1, type: "ApplicationReceived", recordedAt: TIME },
      { position: 13, streamId: "office|1", version: 1, data: null },
    ]);
    expect(await tail("--category", "nothing")).toEqual(done(""));
  });

  it("shows all from a position on, or some of them", async () => {
    expect(jsonLines(await tail("--from", "2", "--json")).map(({ position }) => position)).toEqual(
      Array.from({ length: 12 }, (_, index) => index + 2),
    );
    expect(jsonLines(await tail("--from=2", "--limit=2", "--json"))).toMatchObject([
      { position: 2, streamId: "permit|1", version: 2 },
      { position: 3, streamId: "permit|2", version: 1 },
    ]);
    expect(await tail("--from", "14")).toEqual(done(""));
  });

  it("refuses what makes no sense", async () => {
    const refused = async (...args: readonly string[]): Promise<string> => {
      const { exitCode, stdout, stderr } = await tail(...args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      return stderr;
    };
    const help = " See tuppence log tail --help.\n";
    expect(await refused("--follow", "--from", "1", "--limit", "1")).toBe(
      `error usage: --follow with --from shows all that follows: there is no use for --limit.${help}`,
    );
    expect(await refused("--category", "permit", "--category", "permit|1")).toBe(
      `error usage: permit|1 is a stream, no category.${help}`,
    );
    expect(await refused("--type=", "--type", "Granted")).toBe(`error usage: --type needs a value.${help}`);
    expect(await refused("--from", "0")).toBe(
      `error usage: --from is "0"; it has to be a whole number from 1.${help}`,
    );
  });

  it("shows nothing of a log that no sequencer has begun, and fails without a table", async () => {
    await worldIn("clilogempty");
    expect(await runHere(["log", "tail", ...at("clilogempty")])).toEqual(done(""));
    const ended = await runHere(["log", "tail", "--prefix", "no", ...at("clilogempty")]);
    expect(ended).toMatchObject({ exitCode: 1, stdout: "", stderr: expect.stringContaining("tableMissing") });
  });
});

describe("tuppence log tail --follow", () => {
  it.each([
    { database: "clilogfollow", args: [], titles: 1 },
    { database: "clilogfollowjson", args: ["--json", "--from", "1"], titles: 0 },
  ])("shows what comes at once, each once, until Ctrl-C: $args", async ({ database, args, titles }) => {
    const { store, sequence } = await worldIn(database);
    await store.append("permit|1", [granted(1)]);
    await sequence("permit|1", 1);
    const words = [MAIN, "log", "tail", "--follow", ...args, ...at(database)];
    const child = spawn(process.execPath, words, { env: cleanEnv(), stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    const ended = once(child, "close");
    const numbers = (): readonly string[] =>
      [...stdout.matchAll(/"number":(\d+)/g)].map(([, digits = ""]) => digits);
    await expect.poll(numbers, { timeout: 30_000 }).toEqual(["1"]);
    await store.append("permit|1", [granted(2)]);
    await sequence("permit|1", 2);
    await expect.poll(numbers, { timeout: 30_000 }).toEqual(["1", "2"]);
    await store.append("permit|2", [granted(3), granted(4)]);
    await sequence("permit|2", 1);
    await expect.poll(numbers, { timeout: 30_000 }).toEqual(["1", "2", "3", "4"]);
    child.kill("SIGINT");
    expect(await ended).toEqual([130, null]);
    expect(stderr).toBe("");
    expect(stdout.match(/POSITION/g) ?? []).toHaveLength(titles);
    expect(stdout.trimEnd().split("\n")).toHaveLength(4 + titles);
  });
});

describe("tuppence log audit", () => {
  const audit = (database: string, ...args: readonly string[]): Promise<Ended> =>
    runHere(["log", "audit", ...args, ...at(database)]);

  /** A log without the second commit of permit|1, and without permit|2. */
  async function incompleteLog(database: string): Promise<World> {
    const world = await worldIn(database);
    const { store, sequence } = world;
    await store.append("permit|1", [granted(1)]);
    await store.append("permit|1", [granted(2)]);
    await store.append("permit|2", [granted(3), granted(4)]);
    await store.append("permit|2", [granted(5)]);
    await sequence("permit|1", 1);
    // So much later that the sequencer takes the commit before it for logged.
    world.minutes = 20;
    await store.append("permit|1", [granted(6)]);
    await sequence("permit|1", 3);
    return world;
  }

  it("finds what is missing, repairs it, and then says what came late", async () => {
    const database = "clilogaudit";
    await incompleteLog(database);
    const missing = [
      "missing       4 events of 2 streams",
      "  permit|1  version 2",
      "  permit|2  versions 1 to 3",
    ];
    expect(await audit(database)).toEqual({
      exitCode: 1,
      stdout: lines(
        "positions     2",
        "streams       2 compared",
        ...missing,
        "out of order  none",
        "repeated      none",
        "consumed      6.5 read units, 0 write units",
      ),
      stderr: "error logIncomplete: The log lacks 4 events; --repair puts what is missing to its end.\n",
    });
    expect(await audit(database, "--grace-minutes", "10000000")).toEqual(
      done(
        lines(
          "positions     2",
          "streams       2 compared",
          "missing       none",
          "out of order  none",
          "repeated      none",
          "consumed      5.5 read units, 0 write units",
        ),
      ),
    );
    expect(await audit(database, "--repair", "--grace-minutes", "0")).toEqual(
      done(
        lines(
          "positions     6",
          "streams       2 compared",
          ...missing,
          "out of order  none",
          "repeated      none",
          "repaired      4 events, put to the log's end",
          "consumed      8.5 read units, 1 write unit",
        ),
      ),
    );
    expect(await audit(database)).toEqual(
      done(
        lines(
          "positions     6",
          "streams       2 compared",
          "missing       none",
          "out of order  1 commit",
          "  permit|1  version 2 at position 3",
          "repeated      none",
          "consumed      3.5 read units, 0 write units",
        ),
      ),
    );
  });

  it("gives its report as JSON, whether it fails or not", async () => {
    const database = "clilogauditjson";
    await incompleteLog(database);
    const failed = await audit(database, "--json");
    expect(failed).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("logIncomplete") });
    const missing = [
      { streamId: "permit|1", first: 2, last: 2 },
      { streamId: "permit|2", first: 1, last: 3 },
    ];
    expect(jsonLines(failed)).toMatchObject([{ positions: 2, streams: 2, missing, repaired: 0 }]);
    const repaired = await audit(database, "--json", "--repair");
    expect(repaired).toMatchObject({ exitCode: 0, stderr: "" });
    expect(jsonLines(repaired)).toMatchObject([{ positions: 6, missing, repaired: 4 }]);
  });

  it("fails when an event is there twice, which no repair can change", async () => {
    const database = "clilogrepeats";
    const { client, store, sequence } = await worldIn(database);
    await store.append("permit|1", [granted(1)]);
    await sequence("permit|1", 1);
    const TableName = "tuppence-events";
    const Key = { p: { S: "$all" }, s: { N: "1" } };
    const { Item } = await client.send(new GetItemCommand({ TableName, Key }));
    await client.send(new PutItemCommand({ TableName, Item: { ...Item, ...Key, s: { N: "2" } } }));
    const ended = await audit(database, "--repair");
    expect(ended).toMatchObject({
      exitCode: 1,
      stderr: "error logRepeats: The log has 1 commit more than once.\n",
    });
    expect(ended.stdout).toContain("repeated      1 commit\n  permit|1  version 1 at position 2\n");
  });

  it("refuses a time that is none, and fails without a table", async () => {
    expect(await audit("clilognothing", "--grace-minutes", "-1")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--grace-minutes is "-1"; it has to be a whole number from 0.'),
    });
    expect(await audit("clilognothing")).toMatchObject({
      exitCode: 1,
      stdout: "",
      stderr: expect.stringMatching(/^error tableMissing: .*\n$/),
    });
  });
});

const lines = (...all: readonly string[]): string => all.map((line) => `${line}\n`).join("");

const jsonLines = ({ stdout }: Ended): Readonly<Record<string, unknown>>[] =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
