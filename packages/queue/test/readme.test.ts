import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { z } from "zod";
import { interceptRequests } from "./client-faults.ts";
import { collect } from "./collect.ts";
import { connect } from "@tuppence/test-support/database";
//#region enqueue-imports
import { createQueue } from "@tuppence/queue";
//#endregion enqueue-imports

const client = connect("queuereadme");
const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");

it("enqueues as the README says", async () => {
  const seen: string[] = [];
  const console = { log: (...line: unknown[]) => seen.push(line.join(" ")) };
  //#region enqueue
  const letter = z.object({ caseId: z.string(), kind: z.enum(["decision", "reminder"]) });
  const queue = createQueue({ client, name: "letters", schema: letter }); // any Standard Schema
  await queue.ensureTables();

  await queue.enqueue({ body: { caseId: "case-1", kind: "decision" }, key: "case-1" }); // its position: 1
  const { positions } = await queue.enqueue([
    { body: { caseId: "case-2", kind: "decision" }, messageId: "case-2/decision" },
    { body: { caseId: "case-2", kind: "reminder" }, headers: { lane: "slow" } },
  ]); // [2, 3]: all of a call or nothing, in its order
  const repeated = { body: { caseId: "case-2", kind: "decision" }, messageId: "case-2/decision" } as const;
  const again = await queue.enqueue(repeated); // { positions: [2], duplicates: [0] }: it is there already

  for await (const { position, body } of queue.read(1)) console.log(position, body.caseId, body.kind);
  //#endregion enqueue
  expect(positions).toEqual([2, 3]);
  expect(again).toMatchObject({ positions: [2], duplicates: [0] });
  expect(seen).toEqual(["1 case-1 decision", "2 case-2 decision", "3 case-2 reminder"]);
});

it("goes on with a producer's messages as the README says", async () => {
  const all = Array.from({ length: 9 }, (_, index) => `letter ${index + 1}`);
  for (const batch of [all.slice(0, 4), all]) {
    //#region produce
    const scanner = createQueue({ client, name: "letters", producer: { id: "scanner-7" } });
    const { sequence } = await scanner.producerState(); // of its last message, also after a crash; 0 at first
    await scanner.enqueue(
      batch.slice(sequence).map((body) => ({ body })),
      { sequence: sequence + 1 },
    );
    //#endregion produce
  }
  const scanned = (await collect(createQueue({ client, name: "letters" }).read(4))).map(({ body }) => body);
  expect(scanned).toEqual(all);
});

/** What the table of permissions has in a column. */
function documented(column: number): string[] {
  return ["events", "control"].flatMap((table) => {
    const row = readme.split("\n").find((line) => line.startsWith(`| \`table/<prefix>-${table}\``));
    return Array.from(
      (row?.split("|")[1 + column] ?? "").matchAll(/`([A-Z]\w+)`/g),
      ([, action]) => `${table} ${action}`,
    );
  });
}

it("needs the permissions that the README names, no more and no less", async () => {
  const own = connect("queuereadme");
  const used = new Set<string>();
  interceptRequests(own, ({ operation, input }, send) => {
    const { TableName = "" } = input as { readonly TableName?: string };
    used.add(`${TableName.replace("tuppence-", "")} ${operation}`);
    return send();
  });
  const needed = async (run: () => Promise<unknown>): Promise<string[]> => {
    used.clear();
    await run();
    return [...used].toSorted();
  };
  const clock = { now: 0 };
  const options = { client: own, name: "permissions", runtime: { now: () => clock.now } };
  const enqueued = await needed(async () => {
    await createQueue({ ...options, producer: { id: "p" } }).enqueue({ body: 1, messageId: "a" });
    clock.now = 1e10;
    await createQueue(options).enqueue({ body: 2, messageId: "a" });
  });
  expect(enqueued).toEqual(documented(1).toSorted());
  const queue = createQueue(options);
  expect(await needed(async () => [await queue.peek(), await queue.tail()])).toEqual(
    documented(2).toSorted(),
  );
  expect(await needed(() => queue.trim())).toEqual(documented(3).toSorted());
  expect(await queue.firstPosition()).toBe(2);
});
