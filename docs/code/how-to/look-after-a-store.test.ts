import { createEventStore, ensureTables } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { it } from "vitest";
import { runHere } from "../../../packages/cli/test/cli-process.ts";
import { expectShown } from "../shown.ts";
import { connect } from "@tuppence/test-support/database";
import { feedLog } from "./local-log.ts";
import { orderEvents } from "./order-events.ts";

const DATABASE = "howtocli";
const PAGE = "how-to/look-after-a-store.md";

it("shows what the commands print", async () => {
  const local = await startDynamoDBLocal({ log: false });
  const client = connect(DATABASE);
  const store = createEventStore({ client, events: orderEvents });
  await ensureTables({ client });
  await using log = await feedLog(DATABASE, client);
  await store.importCommits([
    {
      streamId: "order|1",
      firstVersion: 1,
      recordedAt: "2026-03-01T09:00:00.000Z",
      events: [{ type: "OrderPlaced", data: { customer: "ada", cents: 12_50 } }],
    },
    {
      streamId: "order|1",
      firstVersion: 2,
      recordedAt: "2026-03-01T09:04:30.000Z",
      events: [{ type: "OrderPaid", data: { cents: 12_50 } }],
    },
  ]);
  await log.whenCaughtUp();
  await store.importCommits([
    {
      streamId: "order|2",
      firstVersion: 1,
      recordedAt: "2026-03-02T10:00:00.000Z",
      events: [{ type: "OrderPlaced", data: { customer: "grace", cents: 8_00 } }],
    },
  ]);
  await log.whenCaughtUp();

  const show = async (name: string, ...args: readonly string[]): Promise<void> => {
    const place = ["--endpoint", local.endpoint, "--database", DATABASE];
    const { stdout } = await runHere([...args, ...place]);
    await expectShown(PAGE, name, stdout.trimEnd().split("\n"));
  };
  await show("list", "streams", "list", "order");
  await show("show", "streams", "show", "order|1");
  await show("tail", "log", "tail");
  await show("audit", "log", "audit");
});
