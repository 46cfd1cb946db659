import { createCommandHandler, createEventStore, type NewEvent } from "@tuppence/core";
import { createProjectionWorker, defineProjection } from "@tuppence/projections";
import { expect, it } from "vitest";
import { connect } from "@tuppence/test-support/database";
//#region observer-imports
import { createOtelObserver } from "@tuppence/core/otel";
//#endregion observer-imports
//#region metrics-imports
import { createProjectionMetrics } from "@tuppence/projections/otel";
//#endregion metrics-imports

const client = connect("docsobservability");
const projections = [defineProjection({ name: "effects", version: 1, react: () => undefined })];
const decider = {
  initialState: () => 0,
  evolve: (count: number) => count + 1,
  decide: (by: number): NewEvent => ({ type: "Counted", data: { by } }),
};

it("an observer is given to the store and to its command handlers", async () => {
  //#region observer
  const observer = createOtelObserver();
  const store = createEventStore({ client, observer });
  const handle = createCommandHandler({ store, decider, observer });
  //#endregion observer
  await store.ensureTables();
  expect(await handle("counter|1", 5)).toMatchObject({ version: 1 });
  //#region metrics
  const onEvent = createProjectionMetrics();
  const worker = createProjectionWorker({ client, store, projections, onEvent });
  //#endregion metrics
  await worker.stop();
});
