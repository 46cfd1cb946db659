import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { createEventStore, defineEvents } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
//#region imports
import { createProjections, createProjectionWorker, defineProjection } from "@tuppence/projections";
//#endregion imports
import { createLogWorker } from "@tuppence/stream-adapter";
import { expect, it } from "vitest";
import { z } from "zod";

const caseData = z.object({ department: z.string() });
const caseEvents = defineEvents({ CaseOpened: caseData, CaseClosed: caseData, CaseNoted: caseData });

it("a projection counts open cases", async () => {
  const config = (await startDynamoDBLocal({ log: false })).clientConfig("docsprojections");
  const client = new DynamoDBClient(config);
  const store = createEventStore({ client, events: caseEvents });
  await store.ensureTables();
  await using log = createLogWorker({ client, streams: new DynamoDBStreamsClient(config) });
  log.start();
  const opened = { type: "CaseOpened", data: { department: "General" } } as const;
  //#region definition
  const openCases = defineProjection({
    name: "open-cases",
    version: 1,
    events: caseEvents,
    types: ["CaseOpened", "CaseClosed"],
    key: ({ data }) => data.department,
    initialState: () => ({ open: 0 }),
    evolve: ({ open }, { type }) => ({ open: open + (type === "CaseOpened" ? 1 : -1) }),
  });
  //#endregion definition
  //#region run
  const projections = createProjections({ client, store });
  await projections.ensureTables();
  const worker = createProjectionWorker({ client, store, projections: [openCases] });
  worker.start();

  const result = await store.append("case|1", [opened]);
  await projections.waitFor(openCases, result); // needs something that feeds the log
  await projections.documents(openCases).get("General");
  //#endregion run
  expect(await projections.documents(openCases).get("General")).toEqual({ open: 1 });
  await worker.stop();
});
