import { createEventStore, defineEvents } from "@tuppence/core";
import { connect } from "@tuppence/test-support/database";
import { expectTypeOf, it } from "vitest";
import { z } from "zod";
import { append, call, createScheduler, enqueue, type ScheduleRequest } from "../src/index.ts";

const client = connect("schedulepayloads");
const events = defineEvents({ Expired: z.object({ seat: z.number() }) });
const payload = z.object({ seat: z.number().default(1) });
const queue = { enqueue: async () => undefined };

const targets = {
  free: call(({ payload: given }) => expectTypeOf(given).toEqualTypeOf<{ seat: number }>(), { payload }),
  expire: append({
    store: createEventStore({ client, events }),
    payload,
    streamId: ({ payload: { seat } }) => `seat|${seat}`,
    events: ({ payload: { seat } }) => [{ type: "Expired", data: { seat } }],
  }),
  tell: enqueue(queue, { payload, message: ({ payload: { seat } }) => ({ body: seat }) }),
  any: call(({ payload: given }) => expectTypeOf(given).toBeUnknown()),
  named: call<{ seat: number }>(({ payload: { seat } }) => expectTypeOf(seat).toBeNumber()),
};

it("what is scheduled has the payload that its target takes, and the target gets what the schema has made of it", () => {
  const scheduler = createScheduler({ client, targets });
  type Request<Name extends keyof typeof targets> = ScheduleRequest<typeof targets, Name>["payload"];
  expectTypeOf<Request<"free">>().toEqualTypeOf<{ seat?: number | undefined } | undefined>();
  expectTypeOf<Request<"expire">>().toEqualTypeOf<{ seat?: number | undefined } | undefined>();
  expectTypeOf<Request<"tell">>().toEqualTypeOf<{ seat?: number | undefined } | undefined>();
  expectTypeOf<Request<"any">>().toBeUnknown();
  expectTypeOf<{ seat: string }>().not.toExtend<NonNullable<Request<"free">>>();
  expectTypeOf(scheduler.schedule<"free">).toBeCallableWith({
    in: "1m",
    target: "free",
    payload: { seat: 2 },
  });
});
