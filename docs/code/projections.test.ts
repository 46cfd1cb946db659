import { defineEvents } from "@tuppence/core";
import { createMemoryEventStore } from "@tuppence/core/memory";
//#region imports
import { createProjections, createProjectionWorker, defineProjection } from "@tuppence/projections";
//#endregion imports
import { createMemoryProjectionStorage } from "@tuppence/projections";
import { expect, it } from "vitest";
import { z } from "zod";

const caseData = z.object({ department: z.string() });
const caseEvents = defineEvents({ CaseOpened: caseData, CaseClosed: caseData, CaseNoted: caseData });

it("a projection counts open cases", async () => {
  const store = createMemoryEventStore({ events: caseEvents });
  const place = { storage: createMemoryProjectionStorage() };
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
  const worker = createProjectionWorker({ ...place, store, projections: [openCases] }); // place: { client }
  worker.start();

  const projections = createProjections({ ...place, store });
  const result = await store.append("case|1", [opened]);
  await projections.waitFor(openCases, result); // needs something that feeds the log
  await projections.documents(openCases).get("General");
  //#endregion run
  expect(await projections.documents(openCases).get("General")).toEqual({ open: 1 });
  await worker.stop();
});
