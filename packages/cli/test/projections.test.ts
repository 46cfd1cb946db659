import { spawn } from "node:child_process";
import { once } from "node:events";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { createEventStore, createSequencer, DEFAULT_TABLE_PREFIX, ensureTables } from "@tuppence/core";
import { type ControlStorage, type ControlUpdate, createDynamoDBControlStorage } from "@tuppence/core/leases";
import { startDynamoDBLocal } from "@tuppence/local";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cleanEnv, type Ended, MAIN, runHere } from "./cli-process.ts";

const server = await startDynamoDBLocal({ log: false });
const at = (database: string): string[] => ["--endpoint", server.endpoint, "--database", database];
const DATABASE = "cliprojections";
const run = (...args: readonly string[]): Promise<Ended> =>
  runHere(["projections", ...args, ...at(DATABASE)]);
const done = (stdout: string): Ended => ({ exitCode: 0, stdout, stderr: "" });

const client = new DynamoDBClient(server.clientConfig(DATABASE));
const control: ControlStorage = createDynamoDBControlStorage(client, DEFAULT_TABLE_PREFIX);

/** What workers store is put there by hand. */
async function put(partition: string, sort: string, set: ControlUpdate["set"]): Promise<void> {
  await control.update({ key: { partition, sort }, where: {}, set });
}

const register = (name: string, differences: ControlUpdate["set"] = {}): Promise<void> =>
  put("PROJECTIONS", name, {
    kind: "document",
    live: 1,
    liveVersion: 3,
    liveSlots: 2,
    next: undefined,
    nextVersion: undefined,
    nextSlots: undefined,
    nextRate: undefined,
    paused: 0,
    startPosition: 0,
    builds: 1,
    revision: 1,
    changes: "",
    ...differences,
  });

const hold = (resource: string, position: number, owner?: string): Promise<void> =>
  put("LEASE|projections", resource, {
    epoch: 1,
    beat: 1,
    durationMs: 10_000,
    position: String(position),
    owner,
  });

const park = (sort: number, parked: ControlUpdate["set"]): Promise<void> =>
  put("PARKED|permits@1#1", String(sort).padStart(16, "0"), {
    streamId: "permit|1",
    version: sort,
    type: "Granted",
    reason: "failed",
    attempts: 5,
    error: undefined,
    parkedAt: 1_000,
    replay: undefined,
    ...parked,
  });

beforeAll(async () => {
  await ensureTables({ client });
  const store = createEventStore({ client });
  const items = [];
  for (let number = 1; number <= 20; number++) {
    await store.append(`permit|${number}`, [{ type: "Granted", data: { number } }]);
    const Key = { p: { S: `permit|${number}` }, s: { N: "1" } };
    const { Item } = await client.send(new GetItemCommand({ TableName: "tuppence-events", Key }));
    if (Item !== undefined) items.push(Item);
  }
  await createSequencer({ client }).sequence(items);
});

beforeEach(async () => {
  await register("permits", { next: 2, nextVersion: 4, nextSlots: 1, nextRate: 50, builds: 2 });
  await register("mails", { kind: "reactor", liveSlots: 1, liveVersion: 1, paused: 1, startPosition: 5 });
  await hold("permits@1#0", 20, "w/1");
  await hold("permits@1#1", 15, "w/2");
  await hold("permits@2#0", 5);
  const told = { rate: 12.5, reportedAt: Date.now() };
  await put("REPORTS|permits@1", "0", { state: "running", ...told });
  await put("REPORTS|permits@1", "1", { state: "halted", ...told, error: "Error: no", errorPosition: 16 });
  await park(7, { error: "Error: unfit" });
  await park(9, { reason: "behind", attempts: 0 });
  await park(10, { error: "Error: unfit", streamId: "permit|2" });
});

describe("tuppence projections list", () => {
  it("shows all that were ever run", async () => {
    expect(await run("list")).toEqual(
      done(
        "PROJECTION  KIND      STATE   VERSION  BUILD  SLOTS  NEXT\n" +
          "mails       reactor   paused        1      1      1  -\n" +
          "permits     document  active        3      1      2  build 2 of version 4, 50/s\n",
      ),
    );
    expect(jsonLines(await run("list", "--json"))).toMatchObject([
      { name: "mails", kind: "reactor", paused: true, startPosition: 5 },
      { name: "permits", live: { number: 1, version: 3, slots: 2 }, next: { number: 2 }, nextRate: 50 },
    ]);
  });
});

describe("tuppence projections status", () => {
  it("shows how far builds are, and what is wrong", async () => {
    const { exitCode, stdout, stderr } = await run("status");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout.replaceAll(/\d+ s\b/g, "N s")).toBe(
      "PROJECTION  BUILD   VERSION  STATE    POSITION  DONE  LAG  AGE  PARKED\n" +
        "mails       1 live        1  paused          5    0%   15  N s       0\n" +
        "permits     1 live        3  halted         15   75%    5  N s       3\n" +
        "permits     2 next        4  waiting         5   25%   15  N s       0\n" +
        "permits, 1 live, slot 1: halted at 16: Error: no\n",
    );
  });

  it("shows the slots of one", async () => {
    const { stdout } = await run("status", "permits");
    expect(stdout.slice(stdout.indexOf("\n\n"))).toBe(
      "\n\n" +
        "BUILD   SLOT  STATE    POSITION  LAG  RATE/S  PARKED  OWNER\n" +
        "1 live     0  running        20    0    12.5       0  w/1\n" +
        "1 live     1  halted         15    5    12.5       3  w/2\n" +
        "2 next     0  waiting         5   15       0       0  -\n" +
        "permits, 1 live, slot 1: halted at 16: Error: no\n",
    );
    expect(jsonLines(await run("status", "permits", "--json"))).toMatchObject([
      { name: "permits", logEnd: 20, live: { position: 15, parked: 3 }, next: { progress: 0.25 } },
    ]);
  });

  it("fails for a name that nobody has run", async () => {
    const ended = await run("status", "nobody");
    expect(ended).toMatchObject({ exitCode: 1, stdout: "" });
    expect(ended.stderr).toMatch(/^error projectionMissing: There is no projection "nobody" here/);
  });

  it("looks again and again until Ctrl-C", async () => {
    const words = [MAIN, "projections", "status", "mails", "--watch", "--json", ...at(DATABASE)];
    const child = spawn(process.execPath, words, { env: cleanEnv(), stdio: ["ignore", "pipe", "inherit"] });
    let stdout = "";
    child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
    await expect.poll(() => stdout.split("\n").length, { timeout: 30_000 }).toBeGreaterThan(2);
    child.kill("SIGINT");
    expect(await once(child, "close")).toEqual([130, null]);
  });
});

describe("tuppence projections pause, resume and reset", () => {
  it("change what workers look at", async () => {
    expect(await run("pause", "permits")).toEqual(done("permits is paused.\n"));
    expect((await run("list")).stdout).toContain("permits     document  paused");
    expect(await run("resume", "permits")).toEqual(done("permits goes on.\n"));
    expect(jsonLines(await run("pause", "permits", "--json"))).toMatchObject([
      { name: "permits", paused: true },
    ]);
    expect(jsonLines(await run("resume", "permits", "--json"))).toMatchObject([
      { name: "permits", paused: false },
    ]);
  });

  it("do not begin anew by mistake", async () => {
    expect(await run("reset", "mails")).toEqual({
      exitCode: 2,
      stdout: "",
      stderr:
        "error usage: reset empties mails for its readers, and repeats the effects of a reactor; " +
        "--yes if you want that. See tuppence projections reset --help.\n",
    });
    expect(await run("reset", "mails", "--yes")).toEqual(
      done("mails begins anew at position 6: build 2 is live.\n"),
    );
    expect(jsonLines(await run("reset", "mails", "--yes", "--json"))).toMatchObject([
      { name: "mails", live: { number: 3 }, startPosition: 5 },
    ]);
  });
});

describe("tuppence projections rebuild", () => {
  it("begins a build, changes its rate, and gives it up", async () => {
    const cancelled = done("permits: nothing is built beside build 1.\n");
    expect(await run("rebuild", "permits", "--cancel")).toEqual(cancelled);
    expect(await run("rebuild", "permits", "--cancel")).toEqual(cancelled);
    const begun = done("permits: build 3 of version 3 is built beside build 1.\n");
    expect(await run("rebuild", "permits")).toEqual(begun);
    expect(await run("rebuild", "permits", "--events-per-second", "9")).toEqual(begun);
    expect((await run("list")).stdout).toContain("build 3 of version 3, 9/s");
    expect(jsonLines(await run("rebuild", "permits", "--events-per-second", "7", "--json"))).toMatchObject([
      { name: "permits", live: { number: 1 }, next: { number: 3, version: 3 }, nextRate: 7 },
    ]);
    const [given] = jsonLines(await run("rebuild", "permits", "--cancel", "--json"));
    expect(given).toMatchObject({ name: "permits", live: { number: 1 } });
    expect(given).not.toHaveProperty("next");
  });

  it.each([
    {
      outcome: "live",
      differences: { live: 2, liveSlots: 2 },
      expected: done("waited: build 2 of version 3 is live.\n"),
    },
    {
      outcome: "given up",
      differences: {},
      expected: {
        exitCode: 1,
        stdout: "",
        stderr: "error rebuildEnded: Build 2 of waited was given up, or is live no more.\n",
      },
    },
  ])("waits until it is $outcome", async ({ differences, expected }) => {
    await register("waited");
    const waiting = run("rebuild", "waited", "--wait");
    const next = async (): Promise<unknown> =>
      (await control.find({ partition: "PROJECTIONS", sort: "waited" }))?.["next"];
    await expect.poll(next, { timeout: 30_000 }).toBe(2);
    await register("waited", { ...differences, builds: 2, revision: 3 });
    expect(await waiting).toEqual(expected);
    await control.delete({ partition: "PROJECTIONS", sort: "waited" });
  });

  it("is refused for a reactor, and with options that make no sense", async () => {
    expect(await run("rebuild", "mails")).toEqual({
      exitCode: 2,
      stdout: "",
      stderr:
        'error usage: Projection "mails" is a reactor, and has nothing to rebuild: reset repeats its effects. ' +
        "See tuppence projections rebuild --help.\n",
    });
    expect((await run("rebuild", "nobody")).exitCode).toBe(1);
    const refused = await run("rebuild", "permits", "--cancel", "--wait");
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("error usage: --cancel goes with no other option.");
  });
});

describe("tuppence projections parked and replay", () => {
  it("show what was put aside", async () => {
    expect(await run("parked", "permits")).toEqual(
      done(
        "BUILD  SLOT  POSITION  STREAM    VERSION  TYPE     TRIED  REPLAY  ERROR\n" +
          "    1     1         7  permit|1        7  Granted      5  -       Error: unfit\n" +
          "    1     1         9  permit|1        9  Granted      0  -       behind another\n" +
          "    1     1        10  permit|2       10  Granted      5  -       Error: unfit\n",
      ),
    );
    const some = jsonLines(await run("parked", "permits", "--stream", "permit|1", "--limit=1", "--json"));
    expect(some).toMatchObject([{ position: 7, streamId: "permit|1", reason: "failed", build: 1, slot: 1 }]);
    expect(await run("parked", "mails")).toEqual(done(""));
  });

  it("ask for it to be handled, or left out", async () => {
    expect(await run("replay", "permits", "--stream", "permit|1", "--skip")).toEqual(
      done("Replay is asked for: 2 events.\n"),
    );
    expect(jsonLines(await run("replay", "permits", "--stream", "permit|2", "--json"))).toEqual([
      { events: 1 },
    ]);
    expect(jsonLines(await run("parked", "permits", "--json")).map(({ replay }) => replay)).toEqual([
      "skip",
      undefined,
      "apply",
    ]);
    expect(await run("replay", "mails")).toEqual(done("Nothing is parked.\n"));
  });
});

function jsonLines({ stdout }: Ended): readonly Readonly<Record<string, unknown>>[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
}
