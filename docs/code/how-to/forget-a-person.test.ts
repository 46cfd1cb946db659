import { runProjections } from "@tuppence/projections/testing";
import { expect, it } from "vitest";
import { capturePrinted, expectAllShown } from "../shown.ts";
//#region keys
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/** A key for each person. In production: a table of their own, or KMS. */
const keys = new Map<string, Buffer>();

function seal(person: string, body: Uint8Array): Uint8Array {
  const key = keys.get(person) ?? randomBytes(32);
  keys.set(person, key);
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(person));
  return Buffer.concat([nonce, cipher.update(body), cipher.final(), cipher.getAuthTag()]);
}

function open(person: string, body: Uint8Array): Uint8Array | undefined {
  const key = keys.get(person);
  if (key === undefined) return undefined; // dropped: the event is read as $forgotten
  const decipher = createDecipheriv("aes-256-gcm", key, body.subarray(0, 12)).setAAD(Buffer.from(person));
  decipher.setAuthTag(body.subarray(-16));
  return Buffer.concat([decipher.update(body.subarray(12, -16)), decipher.final()]);
}
//#endregion keys
//#region store
import { defineEvents, type Encryption, forgotten } from "@tuppence/core";
import { createMemoryEventStore } from "@tuppence/core/memory";
import { z } from "zod";

const events = defineEvents({
  MemberJoined: z.object({ member: z.string(), name: z.string() }),
  BookReturned: z.object({ title: z.string() }),
  $forgotten: forgotten, // what is left of an event whose key is gone
});

const encryption: Encryption = {
  subjectOf: ({ data }) => (data as { member?: string }).member, // undefined: in the clear
  encrypt: async (person, body) => seal(person, body),
  decrypt: async (person, body) => open(person, body),
};
const store = createMemoryEventStore({ events, encryption }); // createEventStore takes the same
//#endregion store
//#region projection
import { defineProjection } from "@tuppence/projections";

const members = defineProjection({
  name: "members",
  version: 1,
  events,
  types: ["MemberJoined", "$forgotten"],
  key: ({ type, data }) => (type === "MemberJoined" ? data.member : data.subject),
  initialState: () => ({ name: "" }),
  evolve: (_, { type, data }) => (type === "MemberJoined" ? { name: data.name } : undefined),
});
//#endregion projection

it("forgets a person", async () => {
  const printed = capturePrinted();
  //#region forget
  await store.append("library|main", [
    { type: "MemberJoined", data: { member: "m-1", name: "Ada" } },
    { type: "MemberJoined", data: { member: "m-2", name: "Grace" } },
    { type: "BookReturned", data: { title: "Sketches" } },
  ]);

  keys.delete("m-1"); // Ada asked to be forgotten

  for await (const { version, type, data } of store.read("library|main")) console.log(version, type, data);
  //#endregion forget
  await expectAllShown("how-to/forget-a-person.md", printed, { forget: 3 });
});

it("takes the document away when the read model is built anew", async () => {
  await using run = runProjections({ projections: [members], store });
  await run.caughtUp();
  expect(await run.documents(members).get("m-1")).toBeUndefined();
  expect(await run.documents(members).get("m-2")).toEqual({ name: "Grace" });
});
