import { DescribeTableCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";
import { createQueue } from "../src/index.ts";
import { checkRegions, regionsOf } from "../src/region.ts";
import { interceptRequests, replicatedWriteConflict } from "./client-faults.ts";
import { collect } from "./collect.ts";
import { connect } from "@tuppence/test-support/database";
import { enqueueInTwoRegions } from "./two-regions.ts";

const SEEDS = Number(process.env["HISTORIES"] ?? 40);

describe("two Regions", () => {
  it("lose nothing on a strongly consistent global table", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      expect(await enqueueInTwoRegions(seed, "strong"), `seed ${seed}`).toEqual([]);
    }
  });

  it("would lose messages on an eventually consistent one", async () => {
    expect(await enqueueInTwoRegions(1, "eventual")).not.toEqual([]);
  });
});

const replicated = (consistency?: "STRONG" | "EVENTUAL"): object => ({
  Replicas: [{ RegionName: "eu-west-1" }, { RegionName: "eu-west-3" }],
  ...(consistency && { MultiRegionConsistency: consistency }),
});

describe("where a queue may be used", () => {
  const from = (homeRegion?: string) => (table: object) => () =>
    checkRegions({ queue: "letters", region: "eu-west-1", homeRegion }, [regionsOf("t", table)]);

  it("is everywhere on a table of one Region, and on a strongly consistent one", () => {
    expect(from()({})).not.toThrow();
    expect(from("us-east-1")({ Replicas: [] })).not.toThrow();
    expect(from()(replicated("STRONG"))).not.toThrow();
  });

  it("is the home Region alone on an eventually consistent one", () => {
    const refusal = { code: "queueRegion", region: "eu-west-1", regions: ["eu-west-1", "eu-west-3"] };
    for (const table of [replicated(), replicated("EVENTUAL")]) {
      expect(from()(table)).toThrow(expect.objectContaining({ ...refusal, homeRegion: undefined }));
      expect(from("eu-west-3")(table)).toThrow(
        expect.objectContaining({ ...refusal, homeRegion: "eu-west-3" }),
      );
      expect(from("eu-west-1")(table)).not.toThrow();
    }
  });
});

/** A client whose tables are global ones, as far as they say. */
function globalClient(database: string, consistency?: "STRONG" | "EVENTUAL") {
  const client = connect(database);
  const operations: string[] = [];
  interceptRequests(client, async ({ operation }, send) => {
    operations.push(operation);
    const output = (await send()) as { readonly Table?: object };
    return output.Table === undefined
      ? output
      : { ...output, Table: { ...output.Table, ...replicated(consistency) } };
  });
  return { client, operations };
}

describe("a queue on a global table", () => {
  it("writes nothing where it may not, and looks once where it may", async () => {
    const { client, operations } = globalClient("queueregions");
    const name = "refused";
    await createQueue({ client, name }).ensureTables();
    operations.length = 0;
    const refused = createQueue({ client, name });
    await expect(refused.enqueue({ body: 1 })).rejects.toMatchObject({
      code: "queueRegion",
      retryable: false,
    });
    await expect(refused.enqueue({ body: 1 })).rejects.toMatchObject({ tableName: "tuppence-events" });
    expect([...new Set(operations)]).toEqual(["DescribeTable"]);
    const region = await client.config.region();
    const home = createQueue({ client, name, homeRegion: region });
    operations.length = 0;
    await home.enqueue({ body: 1 });
    await home.enqueue({ body: 2 });
    expect(operations.filter((operation) => operation === "DescribeTable").length).toBe(2);
    expect(await client.send(new DescribeTableCommand({ TableName: "tuppence-events" }))).toMatchObject({
      Table: { Replicas: [{}, {}] },
    });
  });

  it("is not operated from elsewhere either", async () => {
    const { client, operations } = globalClient("queueoperated");
    const name = "operated";
    const region = await client.config.region();
    const home = createQueue({ client, name, homeRegion: region });
    await home.ensureTables();
    await home.enqueue({ body: 1 });
    const consumer = home.consume("group", () => undefined);
    await consumer.start();
    await consumer.stop();
    operations.length = 0;
    const away = createQueue({ client, name, homeRegion: "elsewhere-1" });
    for (const operate of [
      () => away.trim(),
      () => away.redrive("group"),
      () => away.reset("group", { to: 1 }),
      () => away.changeLanes("group", 2),
      () => away.deleteGroup("group"),
    ]) {
      await expect(operate()).rejects.toMatchObject({ code: "queueRegion", homeRegion: "elsewhere-1" });
    }
    expect(operations).not.toContain("UpdateItem");
    await home.changeLanes("group", 2);
    await home.deleteGroup("group");
  });

  it("leaves TTL alone where there is none", async () => {
    await createQueue({ client: connect("queuettl"), name: "strong" }).ensureTables();
    const { client, operations } = globalClient("queuettl", "STRONG");
    const queue = createQueue({ client, name: "strong" });
    await queue.ensureTables();
    await queue.enqueue({ body: 1 });
    expect(operations.filter((operation) => operation.includes("TimeToLive"))).toEqual([]);
    const { client: eventual, operations: others } = globalClient("queuettl", "EVENTUAL");
    await createQueue({ client: eventual, name: "eventual" }).ensureTables();
    expect(others).toContain("DescribeTimeToLive");
  });

  it.each([true, false])(
    "reads again after a conflict with another Region (applied: %s)",
    async (isApplied) => {
      const client = connect("queueconflicts", { maxAttempts: 1 });
      let conflicts = 2;
      interceptRequests(client, async ({ operation }, send) => {
        if (operation !== "PutItem" || conflicts === 0) return send();
        conflicts -= 1;
        if (isApplied) await send().catch(() => undefined);
        throw replicatedWriteConflict();
      });
      const queue = createQueue({ client, name: `conflicts ${isApplied}` });
      await queue.ensureTables();
      expect(await queue.enqueue([{ body: "a" }, { body: "b" }])).toMatchObject({
        positions: [1, 2],
        duplicates: [],
      });
      expect(conflicts).toBe(0);
      expect((await collect(queue.read(1))).map(({ body }) => body)).toEqual(["a", "b"]);
    },
  );
});
