import { createReadStream } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { TransferredCommit } from "@tuppence/core";
import { createMemoryEventStore } from "@tuppence/core/memory";
import { describe, expect, it } from "vitest";
import { permit } from "../src/permit.ts";
import { permitEvents } from "../src/permit-events.ts";
import { statusOf } from "../src/permit-state.ts";
import { readReceiptLog } from "../src/receipt-log.ts";
import { sendTasks, unfinishedTasks } from "../src/send-tasks.ts";
import { findDifferences, readBack } from "../src/verify.ts";

const tasks = await readReceiptLog();

async function* toLines(commits: AsyncIterable<TransferredCommit>): AsyncGenerator<string> {
  for await (const commit of commits) yield `${JSON.stringify(commit)}\n`;
}

async function* fromLines(input: Readable): AsyncGenerator<TransferredCommit> {
  for await (const line of createInterface({ input })) yield JSON.parse(line) as TransferredCommit;
}

describe("the real log", () => {
  it("has 8,577 tasks of 1,434 cases, in the order of time", () => {
    expect(tasks).toHaveLength(8_577);
    expect(new Set(tasks.map(({ streamId }) => streamId)).size).toBe(1_434);
    expect(new Set(tasks.map(({ command }) => command.data.taskId)).size).toBe(8_577);
    const times = tasks.map(({ command }) => command.data.at);
    expect(times).toEqual([...times].sort());
  });

  it("keeps every rule of the office", () => {
    const states = new Map<string, ReturnType<typeof permit.initialState>>();
    for (const { streamId, command } of tasks) {
      const state = states.get(streamId) ?? permit.initialState();
      states.set(streamId, [permit.decide(command, state)].flat().reduce(permit.evolve, state));
    }
    const statuses = [...states.values()].map(statusOf);
    expect(statuses.filter((status) => status === "confirmed, nothing in the way")).toHaveLength(1_214);
    expect(statuses.filter((status) => status === "unlicensed (document X)")).toHaveLength(39);
    expect(statuses.filter((status) => status === "on hold (report Y)")).toHaveLength(20);
  });

  it("goes through a store in memory whole, and once", async () => {
    const store = createMemoryEventStore({ events: permitEvents });
    expect(await sendTasks(store, await unfinishedTasks(store, tasks))).toBe(8_577);
    expect(findDifferences(await readBack(store), tasks)).toEqual([]);
    expect(await unfinishedTasks(store, tasks)).toEqual([]);
    expect(await sendTasks(store, tasks.slice(0, 500))).toBe(0);
  });

  it("survives a backup in lines of JSON whole, with versions, ids and times", async () => {
    const store = createMemoryEventStore({ events: permitEvents });
    await sendTasks(store, tasks);
    const file = join(await mkdtemp(join(tmpdir(), "permits-")), "backup.jsonl");
    await writeFile(file, toLines(store.exportCommits()));
    const restored = createMemoryEventStore({ events: permitEvents });
    const { commits, events } = await restored.importCommits(fromLines(createReadStream(file)));
    expect([commits, events]).toEqual([8_577, 8_577]);
    expect(await readBack(restored)).toEqual(await readBack(store));
  });
});
