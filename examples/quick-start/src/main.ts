import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createCommandHandler, createEventStore, defineEvents } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { z } from "zod";

const dynamodb = await startDynamoDBLocal(); // or your own: new DynamoDBClient({ region: "eu-west-1" })
const events = defineEvents({ SeatReserved: z.object({ guest: z.string() }) });
const store = createEventStore({ client: new DynamoDBClient(dynamodb.clientConfig()), events });
await store.ensureTables();

const initialState = () => ({ free: 2 });
const evolve = ({ free }: { free: number }) => ({ free: free - 1 });
const decide = (guest: string, { free }: { free: number }) =>
  free > 0 ? { type: "SeatReserved" as const, data: { guest } } : [];
const reserveSeat = createCommandHandler({ store, decider: { initialState, evolve, decide } });

const guests = ["Ada", "Grace", "Edsger"];
await Promise.all(guests.map((guest) => reserveSeat("concert|42", guest))); // all at once: two of them get a seat
for await (const event of store.read("concert|42")) console.log(event.version, event.type, event.data.guest);
await dynamodb.stop();
