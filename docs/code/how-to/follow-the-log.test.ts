import { createCommandHandler } from "@tuppence/core";
import { expect, it } from "vitest";
import { capturePrinted, expectAllShown } from "../shown.ts";
import { connect } from "@tuppence/test-support/database";
import { feedLog } from "./local-log.ts";
import { order } from "./order.ts";
const client = connect("howtolog");
//#region open
import { auditLog, createEventStore, ensureTables } from "@tuppence/core";
import { orderEvents } from "./order-events.ts";

const store = createEventStore({ client, events: orderEvents });
//#endregion open

it("reads, follows, waits and audits", async () => {
  const printed = capturePrinted();
  await ensureTables({ client });
  await using mapping = await feedLog("howtolog", client);
  const handle = createCommandHandler({ store, decider: order });
  await handle("order|1", { kind: "place", customer: "ada", cents: 12_50 });
  await mapping.whenCaughtUp();
  await handle("order|2", { kind: "place", customer: "grace", cents: 8_00 });
  await mapping.whenCaughtUp();
  await handle("order|1", { kind: "pay", cents: 12_50 });
  await mapping.whenCaughtUp();

  //#region read
  for await (const event of store.readAll({ types: ["OrderPlaced"] })) {
    console.log(event.position, event.streamId, event.type);
  }
  //#endregion read

  let checkpoint = 1;
  const saveCheckpoint = async (position: number): Promise<void> => void (checkpoint = position);
  const shutdown = new AbortController();
  //#region follow
  for await (const { events, position, caughtUp } of store.subscribeAll({
    fromPosition: checkpoint + 1,
    signal: shutdown.signal,
  })) {
    for (const event of events) console.log(event.position, event.type);
    await saveCheckpoint(position); // after the work, so that a crash repeats a batch and never skips one
    if (caughtUp) shutdown.abort(); // a real follower goes on
  }
  //#endregion follow
  expect(checkpoint).toBe(3);

  //#region wait
  const placed = { type: "OrderPlaced", data: { customer: "edsger", cents: 5_00 } } as const;
  const { streamId, version } = await store.append("order|3", [placed]);
  console.log("at position", await store.waitFor(streamId, version, { timeoutMs: 60_000 }));
  //#endregion wait

  //#region audit
  const { positions, missing } = await auditLog({ client, repair: true });
  console.log(positions, "positions,", missing.length, "streams lacked events");
  //#endregion audit
  await expectAllShown("how-to/follow-the-log.md", printed, { read: 2, follow: 2, wait: 1, audit: 1 });
});
