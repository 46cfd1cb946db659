import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { alternativesTo } from "../src/cost/alternatives.ts";
import { type BillOptions, capacityOf, onDemandBill, provisionedBill } from "../src/cost/bill.ts";
import { measureSample } from "../src/cost/measure-sample.ts";
import { monthlyUse } from "../src/cost/monthly-use.ts";
import { checkPrices, defaultPrices, pricesIn } from "../src/cost/prices.ts";
import { GB, type MonthlyUse } from "../src/cost/table-use.ts";
import { workloadOf } from "../src/cost/workload.ts";
import { type Ended, runHere } from "./cli-process.ts";

const OPTIONS: BillOptions = {
  priceOf: pricesIn(defaultPrices(), "us-east-1"),
  countsFree: false,
  recovery: false,
  peakFactor: 4,
};

const MILLION = 1_000_000;

const USE: MonthlyUse = {
  tables: [
    { name: "appends", table: "events", times: MILLION, writeUnits: MILLION, readUnits: 2 * MILLION },
    { name: "positions", table: "control", times: 10, writeUnits: 10, readUnits: 0 },
  ],
  storedBytes: { events: 30 * GB, control: 0, documents: 10 * GB, schedules: 0 },
  invocations: 5 * MILLION,
  gbSeconds: MILLION,
  streamReads: 3 * MILLION,
};

describe("bills reckoned by hand, in us-east-1", () => {
  it("on demand", () => {
    const { lines, total } = onDemandBill(USE, { ...OPTIONS, recovery: true });
    expect(Object.fromEntries(lines.map(({ name, cost }) => [name, Number(cost.toFixed(6))]))).toEqual({
      appends: 0.625 + 0.25,
      // 10 units at $0.625 a million.
      positions: 0.000006,
      storage: 10,
      "point-in-time recovery": 8,
      "stream records for workers": 0.6,
      "Lambda invocations": 1,
      "Lambda duration": 13.3334,
    });
    expect(total).toBeCloseTo(0.875 + 10 + 8 + 0.6 + 1 + 13.3334, 4);
  });

  it("with what is free taken off: 25 GB, 2.5 million stream reads, a million invocations, 400,000 GB-seconds", () => {
    const { lines } = onDemandBill(USE, { ...OPTIONS, countsFree: true });
    expect(Object.fromEntries(lines.map(({ name, cost }) => [name, Number(cost.toFixed(6))]))).toMatchObject({
      appends: 0.875,
      storage: 3.75,
      "stream records for workers": 0.1,
      "Lambda invocations": 0.8,
      "Lambda duration": 8.00004,
    });
  });

  it("provisioned: whole units a second, 4 times the average, for 730 hours", () => {
    // 1,000,000 / 2,628,000 s × 4 = 1.52; twice as many reads: 3.04.
    expect(capacityOf(USE, "events", 4)).toEqual({ writes: 2, reads: 4 });
    expect(capacityOf(USE, "control", 4)).toEqual({ writes: 1, reads: 1 });
    expect(capacityOf(USE, "documents", 4)).toEqual({ writes: 0, reads: 0 });
    const { lines } = provisionedBill(USE, OPTIONS);
    expect(lines[0]?.cost).toBeCloseTo(730 * (2 * 0.00065 + 4 * 0.00013), 9);
    expect(lines[1]?.cost).toBeCloseTo(730 * (0.00065 + 0.00013), 9);
    expect(lines[2]).toMatchObject({ name: "storage", cost: 10 });
  });

  it("elsewhere: 864,000 events a day of 1 KB, kept for a day, and read by one projection", () => {
    const workload = workloadOf({
      eventsPerDay: 864_000,
      eventBytes: 1_024,
      retentionDays: 1,
      documents: 1,
      host: "worker",
    });
    const bills = Object.fromEntries(
      alternativesTo(workload, OPTIONS).map(({ name, bill }) => [name, bill.total]),
    );
    const perMonth = (864_000 * 730) / 24;
    const gb = (perMonth * 1_024) / GB;
    const keptGb = (864_000 * 1_024) / GB;
    expect(bills["Kinesis, provisioned"]).toBeCloseTo(730 * 0.015 + (perMonth / MILLION) * 0.014, 6);
    expect(bills["Kinesis, on demand"]).toBeCloseTo(730 * 0.04 + gb * 0.08 + gb * 0.04, 6);
    expect(bills["MSK, 3 × m7g.large"]).toBeCloseTo(3 * 730 * 0.204 + 3 * keptGb * 0.1, 6);
    expect(bills["MSK Serverless"]).toBeCloseTo(
      730 * 0.75 + 3 * 730 * 0.0015 + gb * 0.1 + gb * 0.05 + keptGb * 0.1,
      6,
    );
    expect(bills["PostgreSQL, 2 × t4g.small"]).toBeCloseTo(2 * 730 * 0.032 + 2 * 20 * 0.115, 6);
  });

  it("elsewhere, kept for a year: a shard's retention of a week, and the rest by the GB", () => {
    const workload = workloadOf({ eventsPerDay: 864_000, eventBytes: 1_024, projections: 0 });
    const [provisioned] = alternativesTo(workload, OPTIONS);
    const longGb = (864_000 * 1_024 * (365 - 7)) / GB;
    const perMonth = (864_000 * 730) / 24;
    expect(provisioned?.bill.total).toBeCloseTo(
      730 * (0.015 + 0.02) + (perMonth / MILLION) * 0.014 + longGb * 0.023,
      6,
    );
  });

  it("elsewhere, queues and schedules: three requests a message in batches of ten, an invocation a schedule", () => {
    const workload = workloadOf({
      queueMessagesPerDay: MILLION,
      messagesPerCall: 100,
      queueGroups: 2,
      schedulesPerDay: MILLION,
    });
    const days = 730 / 24;
    expect(alternativesTo(workload, OPTIONS).map(({ name, bill }) => [name, bill.total])).toEqual([
      ["SQS FIFO", expect.closeTo(days * 0.1 * 3 * 2 * 0.5, 9)],
      ["EventBridge Scheduler", expect.closeTo(days, 9)],
    ]);
  });
});

describe("what is used, by the figures that the library states", () => {
  it("an event and a document in Lambda, each alone: an append, a page, a run of 5 WCU, a read and a put", async () => {
    const workload = workloadOf({
      eventsPerDay: 24,
      eventsPerStream: 24,
      gatherSeconds: 0,
      reads: "nothing",
    });
    const { tables, invocations } = monthlyUse(workload, await measureSample(workload, 1));
    const perMonth = 730;
    expect(tables).toEqual(
      [
        // One of 24 appends begins a stream, for a unit more.
        { name: "appends", table: "events", times: perMonth, writeUnits: perMonth + 730 / 24, readUnits: 0 },
        { name: "pages of the log", table: "events", times: perMonth, writeUnits: perMonth, readUnits: 0 },
        { name: "reads of the log", table: "events", times: perMonth, writeUnits: 0, readUnits: 0 },
        {
          name: "runs of projections",
          table: "control",
          times: perMonth,
          writeUnits: 5 * perMonth,
          readUnits: 9.5 * perMonth,
        },
        {
          name: "reads of documents",
          table: "documents",
          times: perMonth,
          writeUnits: 0,
          readUnits: 0.5 * perMonth,
        },
        {
          name: "puts of documents",
          table: "documents",
          times: perMonth,
          writeUnits: perMonth,
          readUnits: 0,
        },
      ].map((use) => ({
        ...use,
        writeUnits: expect.closeTo(use.writeUnits, 6),
        readUnits: expect.closeTo(use.readUnits, 6),
      })),
    );
    expect(invocations).toBe(2 * perMonth);
  });

  it("a worker with everything: 1,080 WCU an hour for each lease and member, looks by the clock", async () => {
    const workload = workloadOf({
      eventsPerDay: 1,
      queueMessagesPerDay: 1,
      schedulesPerDay: 1,
      projections: 2,
      slots: 3,
      streamShards: 4,
      host: "worker",
      gatherSeconds: 0,
    });
    const { tables, invocations } = monthlyUse(workload, await measureSample(workload, 1));
    const unitsOf = (name: string) => {
      const { writeUnits, readUnits } = tables.find((use) => use.name === name) ?? {};
      return { writeUnits, readUnits };
    };
    // Shards of the stream, slots, a lane, shards of schedules; and who holds them: log, projections, consumer, schedules.
    const leases = 4 + 2 * 3 + 1 + 4;
    const members = 4;
    expect(unitsOf("leases")).toEqual({ writeUnits: (leases + members) * 1_080 * 730, readUnits: 0 });
    expect(unitsOf("looks at leases")).toEqual({ writeUnits: 0, readUnits: members * 1_080 * 730 });
    expect(unitsOf("looks at the log")).toEqual({ writeUnits: 0, readUnits: 9_000 * 730 });
    expect(unitsOf("looks at the queue")).toEqual({ writeUnits: 0, readUnits: 1_800 * 730 });
    expect(unitsOf("looks at schedules")).toEqual({ writeUnits: 0, readUnits: 14_400 * 730 });
    expect(invocations).toBe(0);
  });

  it("the same in every sample", async () => {
    const workload = workloadOf({ eventsPerDay: 1e6, queueMessagesPerDay: 10, reads: "snapshot" });
    const samples = await Promise.all([measureSample(workload, 7.5), measureSample(workload, 7.5)]);
    const plain = samples.map(({ page, ...rest }) => ({ ...rest, page: page(7.5) }));
    expect(plain[1]).toEqual(plain[0]);
  });
});

describe("the table of prices", () => {
  const table = defaultPrices();

  it("names a page of AWS and a date for every price, and says what is verified", () => {
    for (const { source, date } of Object.values(table.prices)) {
      expect(source).toMatch(/^https:\/\/aws\.amazon\.com\/[\w/-]+\/$/);
      expect(date).toMatch(/^20\d\d-\d\d(-\d\d)?$/);
    }
    const priceOf = pricesIn(table, "us-east-1");
    expect(priceOf("dynamodbWriteUnits")).toMatchObject({
      each: expect.closeTo(0.625e-6, 15),
      verified: true,
    });
    expect(priceOf("mskBrokerHours").verified).toBe(false);
    expect(pricesIn(table, "eu-west-1")("dynamodbWriteUnits")).toMatchObject({
      each: expect.closeTo(0.705e-6, 15),
      verified: true,
    });
  });

  it("gives a Region that lacks one the base Region's, not verified", () => {
    const own = table.prices.kinesisShardHours.regions;
    expect(own["eu-west-1"]).toBeUndefined();
    expect(pricesIn(table, "eu-west-1")("kinesisShardHours")).toMatchObject({ each: 0.015, verified: false });
  });

  const { dynamodbStorage, ...others } = table.prices;
  const changed = (change: object): unknown => ({
    ...table,
    prices: { ...others, dynamodbStorage: { ...dynamodbStorage, ...change } },
  });
  it.each<[unknown, string]>([
    [[], "it is []; it has to be an object."],
    [{ ...table, date: 2026 }, "date is 2026; it has to be a text."],
    [{ ...table, prices: undefined }, "prices is missing; it has to be an object."],
    [{ ...table, prices: others }, "prices.dynamodbStorage is missing; it has to be an object."],
    [{ ...table, prices: { ...table.prices, gold: 1 } }, "prices.gold is 1; it has to be left out."],
    [changed({ per: 0 }), "prices.dynamodbStorage.per is 0; it has to be a number above 0."],
    [changed({ free: -1 }), "prices.dynamodbStorage.free is -1; it has to be a number from 0."],
    [changed({ source: "" }), 'prices.dynamodbStorage.source is ""; it has to be a text.'],
    [
      changed({ regions: { "us-east-1": { price: "0.25", verified: true } } }),
      'prices.dynamodbStorage.regions.us-east-1.price is "0.25"; it has to be a number from 0.',
    ],
    [
      changed({ regions: { "us-east-1": { price: 0.25 } } }),
      "prices.dynamodbStorage.regions.us-east-1.verified is missing; it has to be true or false.",
    ],
    [
      changed({ regions: {} }),
      "prices.dynamodbStorage.regions.us-east-1 is missing; it has to be there: it is the base Region.",
    ],
  ])("refuses what is none, and says where: %#", (wrong, message) => {
    expect(() => checkPrices(wrong, "mine.json")).toThrow(`mine.json: ${message}`);
  });
});

describe("tuppence cost", () => {
  const cost = (...args: readonly string[]): Promise<Ended> => runHere(["cost", ...args]);
  const events = ["--events-per-day", "1000"];

  it("needs no account, no Region and no endpoint, and gives all as JSON", async () => {
    const { exitCode, stdout, stderr } = await cost(...events, "--projections", "2", "--recovery", "--json");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({
      workload: { eventsPerDay: 1_000, projections: 2, recovery: true, gatherSeconds: 0.25 },
      region: "us-east-1",
      pricesOf: "2026-11-30",
      onDemand: { total: expect.any(Number), lines: expect.any(Array) },
      provisioned: { total: expect.any(Number) },
      elsewhere: expect.arrayContaining([expect.objectContaining({ name: "MSK Serverless" })]),
    });
  });

  it("marks what is not verified, and says so", async () => {
    const { stdout } = await cost(...events, "--region", "eu-west-1");
    expect(stdout).toMatch(/^Kinesis, provisioned +[\d.]+\* /m);
    expect(stdout).toMatch(/^capacity of events +1 +1 +[\d.]+\*$/m);
    expect(stdout).toMatch(/^appends .* [\d.]+$/m);
    expect(stdout).toMatch(
      /^\* with prices that are not verified for this Region: dynamodbWriteCapacity, dynamodbReadCapacity, .*kinesisShardHours/m,
    );
  });

  it("takes prices of the user's own", async () => {
    const file = join(await mkdtemp(join(tmpdir(), "tuppence-prices-")), "mine.json");
    const table = defaultPrices();
    const regions = { "mars-1": { price: 1_000, verified: true } };
    const dynamodbStorage = { ...table.prices.dynamodbStorage, regions };
    const prices = { ...table.prices, dynamodbStorage };
    const moved = Object.fromEntries(
      Object.entries(prices).map(([name, entry]) => [
        name,
        {
          ...entry,
          regions: { "mars-1": { price: 0, verified: true }, ...(name === "dynamodbStorage" && regions) },
        },
      ]),
    );
    await writeFile(file, JSON.stringify({ ...table, baseRegion: "mars-1", prices: moved }));
    const { stdout } = await cost(...events, "--prices", file, "--json");
    const { onDemand, region } = JSON.parse(stdout) as {
      readonly region: string;
      readonly onDemand: { readonly lines: readonly { readonly name: string; readonly cost: number }[] };
    };
    expect(region).toBe("mars-1");
    expect(onDemand.lines.filter((line) => line.cost > 0).map(({ name }) => name)).toEqual(["storage"]);
  });

  it.each([
    [[], "Nothing costs nothing: give --events-per-day, --queue-messages-per-day or --schedules-per-day."],
    [["--events-per-day", "many"], '--events-per-day is "many"; it has to be a whole number from 0.'],
    [
      [...events, "--event-bytes", "1"],
      '--event-bytes is "1"; it has to be a whole number from 2 to 300000.',
    ],
    [[...events, "--peak-factor", "0.5"], '--peak-factor is "0.5"; it has to be a number from 1.'],
    [[...events, "--data", "numbers"], '--data is "numbers"; it has to be words, random.'],
    [
      [...events, "--region", "mars-1"],
      "There are no prices of mars-1, but of us-east-1, eu-west-1; --prices takes a table of your own.",
    ],
    [[...events, "--evnts", "1"], "There is no option --evnts."],
  ])("ends with 2 and says why: %j", async (args, message) => {
    expect(await cost(...args)).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: `error usage: ${message} See tuppence cost --help.\n`,
    });
  });

  it("says which file of prices is none", async () => {
    expect(await cost(...events, "--prices", "/nonexistent.json")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("--prices /nonexistent.json can't be read: ENOENT"),
    });
  });
});
