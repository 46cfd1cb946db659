import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { startDynamoDBLocal } from "@tuppence/local";
import {
  call,
  createScheduler,
  createSchedulerWorker,
  NonRetryableError,
  type Schedule,
} from "@tuppence/scheduler";
import { ensureTables } from "@tuppence/core";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { type Ended, runHere } from "./cli-process.ts";

const server = await startDynamoDBLocal({ log: false });
/** Nightly, but not while this runs. */
const CRON = "0 30 2 * * * 2100-2199";
const DATABASE = "clischedules";
const run = (...args: readonly string[]): Promise<Ended> =>
  runHere(["schedules", ...args, "--endpoint", server.endpoint, "--database", DATABASE]);
const lines = ({ stdout }: Ended): readonly string[] => stdout.trimEnd().split("\n");
const failed = (stderr: string, stdout = ""): Ended => ({ exitCode: 1, stdout, stderr: `${stderr}\n` });

const client = new DynamoDBClient(server.clientConfig(DATABASE));
const targets = {
  remind: call(() => undefined),
  breaks: call(() => {
    throw new NonRetryableError("no such permit");
  }),
};
const scheduler = createScheduler({ client, targets });

let once: Schedule;
let broken: Schedule;

/** Fires what is due until a schedule has become something else. */
async function fireUntil(id: string, state: string): Promise<void> {
  const worker = createSchedulerWorker({ client, targets, scheduler, leaseDurationMs: 1_000 });
  worker.start();
  await vi.waitFor(async () => expect((await scheduler.get(id))?.state).toBe(state), { timeout: 30_000 });
  await worker.stop();
}

beforeAll(async () => {
  await Promise.all([ensureTables({ client }), scheduler.ensureTables()]);
  once = await scheduler.schedule({
    at: "2100-01-01T00:00Z",
    target: "remind",
    payload: { permit: 7 },
    group: "mail",
  });
  await scheduler.schedule({
    name: "nightly",
    cron: CRON,
    timeZone: "Europe/Amsterdam",
    target: "remind",
    misfire: { policy: "fireAll", max: 3 },
  });
  broken = await scheduler.schedule({ in: 0, target: "breaks" });
  await fireUntil(broken.id, "parked");
});

describe("tuppence schedules", () => {
  it("lists what is to be done", async () => {
    const listed = lines(await run("list"));
    expect(listed[0]).toMatch(/^FIRES +STATE +NAME +GROUP +TARGET +WHEN +TRIED +ID$/);
    expect(listed.slice(1).map((line) => line.split(/ {2,}/).slice(1, 6))).toEqual([
      ["parked", "-", "-", "breaks", "once"],
      ["pending", "-", "mail", "remind", "once"],
      ["pending", "nightly", "-", "remind", `${CRON} (Europe/Amsterdam)`],
    ]);
    expect(
      lines(await run("list", "--from", "2099-12-31", "--to", "2100-01-01T01:00Z", "--json")).map(
        (line) => JSON.parse(line) as unknown,
      ),
    ).toMatchObject([
      { id: once.id, fireAt: "2100-01-01T00:00:00.000Z", payload: { permit: 7 }, group: "mail" },
    ]);
    expect(lines(await run("list", "--name-prefix", "night", "--limit", "1"))).toHaveLength(2);
    expect(lines(await run("list", "--group", "mail", "--to", "1d"))).toEqual([""]);
    expect(lines(await run("list", "--state", "pending", "--state", "parked"))).toHaveLength(4);
    expect(lines(await run("list", "--state", "parked"))).toHaveLength(2);
  });

  it("shows one, and what it did", async () => {
    expect(lines(await run("show", "nightly"))).toEqual([
      expect.stringMatching(/^id {8}[-0-9a-z]{28}$/),
      "name      nightly",
      "group     -",
      "state     pending",
      `when      ${CRON} (Europe/Amsterdam)`,
      "fires     2100-01-01T01:30:00.000Z",
      "target    remind",
      "payload   -",
      expect.stringMatching(/^retry {5}\d+ attempts$/),
      "missed    fireAll, the latest 3",
      "overlap   skip",
      "DUE                       STATE    TRIED  ENDED  REASON",
      "2100-01-01T01:30:00.000Z  pending      0  -      -",
    ]);
    const shown = JSON.parse((await run("show", broken.id, "--history", "1", "--json")).stdout) as unknown;
    expect(shown).toMatchObject({
      id: broken.id,
      state: "parked",
      history: [{ id: broken.id, attempts: 1 }],
    });
    expect(await run("show", "nobody")).toEqual(
      failed('error scheduleMissing: There is no schedule "nobody".'),
    );
  });

  it("shows what is parked, and has it fired again", async () => {
    const parked = lines(await run("parked"));
    expect(parked[0]).toMatch(/^DUE +PARKED +NAME +TARGET +TRIED +ID +ERROR$/);
    expect(parked[1]).toContain(`${broken.id}  NonRetryableError: no such permit`);
    expect((await run("replay")).exitCode).toBe(2);
    expect((await run("replay", broken.id)).stdout).toBe("Fired again: 1 occurrence.\n");
    expect((await run("parked", "--json")).stdout).toBe("");
    await fireUntil(broken.id, "parked");
    expect(lines(await run("parked", "--limit", "1", "--json"))).toHaveLength(1);
    expect((await run("replay", "--all", "--json")).stdout).toBe('{"occurrences":1}\n');
    expect((await run("replay", "--all")).stdout).toBe("Nothing is parked.\n");
  });

  it("fires now", async () => {
    const fired = JSON.parse((await run("fire-now", "nightly", "--json")).stdout) as Schedule;
    expect(fired).toMatchObject({ state: "pending", target: "remind" });
    expect((await run("fire-now", "nightly")).stdout).toMatch(/^nightly fires now, as [-0-9a-z]{28}\.\n$/);
    await fireUntil(fired.id, "fired");
    expect(await run("cancel", fired.id)).toEqual(
      failed(`error notCancelled: ${fired.id} has fired: there is nothing to cancel.`),
    );
  });

  it("cancels", async () => {
    expect((await run("cancel", once.id)).stdout).toBe(`${once.id} is cancelled.\n`);
    expect((await run("cancel", "nightly", "--json")).stdout).toBe('{"outcome":"cancelled"}\n');
    expect(await run("cancel", "nobody", "--json")).toEqual(
      failed(
        "error notCancelled: nobody is not known: there is nothing to cancel.",
        '{"outcome":"unknown"}\n',
      ),
    );
  });

  it("finds what an outage has left", async () => {
    const recovered = lines(await run("recover", "--since", "1m"));
    expect(recovered.map((line) => line.split(/ {2,}/)[0])).toEqual(["looked at", "waiting", "opened"]);
    expect(JSON.parse((await run("recover", "--since", "1m", "--json")).stdout)).toMatchObject({
      waiting: expect.any(Number) as number,
    });
    expect(await run("recover")).toMatchObject({ exitCode: 2 });
    expect((await run("recover", "--since", "yesterday")).stderr).toContain(
      '--since is "yesterday"; it has to be a time',
    );
    expect((await run("list", "--state", "done")).stderr).toContain("it has to be one of pending, claimed");
  });
});
