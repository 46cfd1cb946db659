import { createMemoryStorage } from "@tuppence/core/memory";
import { capturePrinted, expectAllShown } from "../shown.ts";
//#region versions
import { defineEvents, nextVersion } from "@tuppence/core";
import { z } from "zod";

const movedV1 = z.object({ address: z.string() });
const movedV2 = nextVersion(movedV1, z.object({ street: z.string(), city: z.string() }), ({ address }) => {
  const [street = "", city = ""] = address.split(", ");
  return { street, city };
});
const moved = nextVersion(
  movedV2,
  z.object({ street: z.string(), city: z.string(), country: z.string() }),
  (old) => ({ ...old, country: "NL" }), // until then, all were
);

const events = defineEvents({ MemberMoved: moved });
//#endregion versions
//#region test
import { upcastData } from "@tuppence/core";
import { expect, it } from "vitest";

it("understands what was stored as version 1", () => {
  const data = upcastData(moved, 1, { address: "Oudegracht 1, Utrecht" });
  expect(data).toEqual({ street: "Oudegracht 1", city: "Utrecht", country: "NL" });
});
//#endregion test
//#region raw
import { createMemoryEventStore } from "@tuppence/core/memory";

/** For tools that show whatever is there. */
const openRaw = (storage: ReturnType<typeof createMemoryStorage>) =>
  createMemoryEventStore({ storage, events, unknownEvents: "raw" });
//#endregion raw

it("reads old events in their newest shape", async () => {
  const printed = capturePrinted();
  const storage = createMemoryStorage();
  const old = createMemoryEventStore({ storage, events: defineEvents({ MemberMoved: movedV1 }) });
  await old.append("member|1", [{ type: "MemberMoved", data: { address: "Oudegracht 1, Utrecht" } }]);
  const store = createMemoryEventStore({ storage, events });
  const now = { street: "Damrak 1", city: "Amsterdam", country: "NL" };
  await store.append("member|1", [{ type: "MemberMoved", data: now }]);
  //#region read
  for await (const { version, data } of store.read("member|1")) console.log(version, data.city, data.country);
  //#endregion read

  // The code of before meets what it does not know yet.
  const readOld = async (): Promise<void> => {
    for await (const event of old.read("member|1")) expect(event.version).toBe(1);
  };
  await expect(readOld()).rejects.toMatchObject({ code: "unknownEventType", schemaVersion: 3 });
  const types: string[] = [];
  for await (const { type } of openRaw(storage).read("member|1")) types.push(type);
  expect(types).toEqual(["MemberMoved", "MemberMoved"]);
  await expectAllShown("how-to/change-a-schema.md", printed, { read: 2 });
});
