import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore, type RecordedEventOf } from "@tuppence/core";
import { createKeyTable } from "./key-table.ts";
import { events, memberOf } from "./library-events.ts";
import { createSubjectEncryption } from "./subject-encryption.ts";

const STREAM = "library|main";

/** Appends, reads, forgets one person and reads again. */
export async function runDemo(client: DynamoDBClient, print: (line: string) => void): Promise<void> {
  const keys = createKeyTable(client, "library-keys");
  const encryption = createSubjectEncryption({ keys, subjectOf: memberOf });
  const store = createEventStore({ client, tablePrefix: "library", events, encryption });
  await Promise.all([keys.ensure(), store.ensureTables()]);

  // Names in the clear say nothing of a person: m-1, not ada@example.org.
  await store.append(STREAM, [
    { type: "MemberJoined", data: { member: "m-1", name: "Ada", email: "ada@example.org" } },
    { type: "MemberJoined", data: { member: "m-2", name: "Grace", email: "grace@example.org" } },
  ]);
  await store.append(STREAM, [{ type: "BookBorrowed", data: { member: "m-1", title: "Sketches" } }]);
  await store.append(STREAM, [{ type: "BookReturned", data: { title: "Sketches" } }]);

  print("As it happened");
  for await (const event of store.read(STREAM)) print(describe(event));

  await encryption.forget("m-1");
  print("");
  print("After m-1 asked to be forgotten");
  for await (const event of store.read(STREAM)) print(describe(event));
}

function describe(event: RecordedEventOf<typeof events>): string {
  const start = `  ${event.version}  ${event.type.padEnd(12)}  `;
  switch (event.type) {
    case "MemberJoined":
      return `${start}${event.data.name} <${event.data.email}>`;
    case "BookBorrowed":
      return `${start}${event.data.member} has ${event.data.title}`;
    case "BookReturned":
      return `${start}${event.data.title} is back`;
    case "$forgotten":
      return `${start}a ${event.data.type} of ${event.data.subject}`;
  }
}
