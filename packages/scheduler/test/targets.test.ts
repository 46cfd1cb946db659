import { createEventStore, defineEvents, ensureTables, meterCapacity } from "@tuppence/core";
import { createMemoryEventStore } from "@tuppence/core/memory";
import { createQueue } from "@tuppence/queue";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { append } from "../src/targets/append.ts";
import { call } from "../src/targets/call.ts";
import { enqueue, type EnqueuesOnce } from "../src/targets/enqueue.ts";
import { anOccurrence, inTime } from "./occurrences.ts";
import { connect } from "@tuppence/test-support/database";

describe("a function as target", () => {
  it("is called with the occurrence", async () => {
    const target = call<{ permit: string }>(({ payload, attempt }, { signal }) => [
      payload.permit,
      attempt,
      signal.aborted,
    ]);
    expect(target.kind).toBe("call");
    expect(await target.fire(anOccurrence(), inTime())).toEqual(["P-17", 2, false]);
  });

  it("that throws rejects", async () => {
    const target = call(() => {
      throw new RangeError("no");
    });
    await expect(target.fire(anOccurrence(), inTime())).rejects.toThrow(RangeError);
    expect(() => call("fn" as unknown as () => void)).toThrow(TypeError);
  });
});

describe("a queue as target", () => {
  type Enqueued = Parameters<EnqueuesOnce["enqueue"]>;

  /** A queue that knows its messages by their ids. */
  class SmallQueue implements EnqueuesOnce {
    readonly messages = new Map<string, Enqueued[0]>();
    async enqueue(...[message, options]: Enqueued): Promise<unknown> {
      options?.signal?.throwIfAborted();
      if (!this.messages.has(message.messageId)) this.messages.set(message.messageId, message);
      return { positions: [this.messages.size] };
    }
  }

  it("gets the payload, with the occurrence's id, once", async () => {
    const queue = new SmallQueue();
    const target = enqueue(queue);
    await target.fire(anOccurrence(), inTime());
    await target.fire(anOccurrence({ attempt: 3 }), inTime());
    await target.fire(anOccurrence({ id: "other", payload: undefined }), inTime());
    const since = new Date("2026-03-01T12:00:03Z");
    expect([...queue.messages.values()]).toEqual([
      { body: { permit: "P-17" }, messageId: "0dnwcxyz0-1-01JZ5T2E8Q", since },
      { body: null, messageId: "other", since },
    ]);
  });

  it("of this library holds an occurrence once, whoever fires it and however late it is repeated", async () => {
    const client = connect("targetqueue");
    // An attempt that is repeated by a process which knows nothing of the first, after the queue's window of ids.
    const open = (hoursLater: number) =>
      createQueue({ client, name: "due", runtime: { now: () => Date.now() + hoursLater * 3_600_000 } });
    await open(0).ensureTables();
    const occurrence = anOccurrence({ fireAt: new Date() });
    await enqueue(open(0)).fire(occurrence, inTime());
    await open(0).enqueue({ body: "between" });
    await enqueue(open(5)).fire({ ...occurrence, attempt: 3 }, inTime());
    await enqueue(open(5)).fire(anOccurrence({ id: "other", fireAt: new Date() }), inTime());
    const messages = await open(5).peek();
    expect(messages.map(({ messageId }) => messageId)).toEqual([occurrence.id, undefined, "other"]);
  });

  it("gets what is made of the occurrence", async () => {
    const queue = new SmallQueue();
    const target = enqueue<{ permit: string }>(queue, {
      message: ({ payload: { permit }, name }) => ({ body: { name }, key: permit, headers: { a: "1" } }),
    });
    await target.fire(anOccurrence(), inTime());
    expect([...queue.messages.values()]).toEqual([
      expect.objectContaining({ body: { name: "reminders" }, key: "P-17", headers: { a: "1" } }),
    ]);
  });
});

describe("a stream as target", () => {
  const events = defineEvents({ Expired: z.object({ permit: z.string() }) });
  const client = connect("appendtarget");
  const store = createEventStore({ client, events });
  const control = { TableName: "tuppence-control" };
  const target = append<typeof events, { permit: string }>({
    store,
    streamId: ({ payload }) => `permit|${payload.permit}`,
    events: ({ payload }) => [{ type: "Expired", data: payload }],
  });

  /** The writes of an entry's end: that it is in a state, and what it is then. */
  const finish = (from: string, to: string) => ({
    changes: [],
    writes: [
      {
        Update: {
          ...control,
          Key: { p: { S: "ENTRY" }, s: { S: "1" } },
          UpdateExpression: "SET st = :to",
          ConditionExpression: "attribute_not_exists(st) OR st = :from",
          ExpressionAttributeValues: { ":from": { S: from }, ":to": { S: to } },
        },
      },
    ],
  });
  const stored = async (streamId: string): Promise<readonly unknown[]> => {
    const found: unknown[] = [];
    for await (const { type, data } of store.read(streamId)) found.push({ type, data });
    return found;
  };

  it("gets an event in one transaction with the end of the occurrence", async () => {
    await ensureTables({ client });
    expect(target).toMatchObject({ kind: "append", isInStore: true });
    const fired = await target.fire(anOccurrence(), { ...inTime(), finish: finish("pending", "fired") });
    expect(fired).toBe("fired");
    expect(await stored("permit|P-17")).toEqual([{ type: "Expired", data: { permit: "P-17" } }]);
  });

  it("gets it once, whoever fires: who comes late is refused, and reads nothing of the stream but its end", async () => {
    const meter = meterCapacity(client);
    const again = await target.fire(anOccurrence(), { ...inTime(), finish: finish("pending", "fired") });
    expect(again).toBe("refused");
    expect(meter.calls.filter(({ operation }) => operation === "Query").length).toBeLessThanOrEqual(1);
    const other = anOccurrence({ id: "other" });
    expect(await target.fire(other, { ...inTime(), finish: finish("pending", "fired") })).toBe("refused");
    expect((await stored("permit|P-17")).length).toBe(1);
  });

  it("that can't take it fails, and nothing is written", async () => {
    const wrong = anOccurrence({ id: "wrong", payload: { permit: 5 } });
    const firing = target.fire(wrong, { ...inTime(), finish: finish("fired", "again") });
    await expect(firing).rejects.toMatchObject({ code: "invalidEvent" });
    const memory = append({
      store: createMemoryEventStore({ events }),
      streamId: "p|1",
      events: () => [{ type: "Expired", data: { permit: "1" } }],
    });
    await expect(
      memory.fire(anOccurrence(), { ...inTime(), finish: finish("fired", "again") }),
    ).rejects.toThrow("in memory");
    expect(
      await target.fire(anOccurrence({ id: "last" }), { ...inTime(), finish: finish("fired", "again") }),
    ).toBe("fired");
  });
});
