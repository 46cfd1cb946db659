import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { TuppenceError } from "@tuppence/core";
import { beforeAll, describe, expect, it } from "vitest";
import { createQueue, type EnqueueResult, type Queue } from "../src/index.ts";
import { connectionReset, type InterceptPlace, interceptRequests } from "./client-faults.ts";
import { collect } from "./collect.ts";
import { connect } from "@tuppence/test-support/database";

/** One call, one fault at one of its requests to a real server, and then the same again until it is done. */

const FAULTS = {
  "a crash before it is sent": { isSent: false, crashes: true },
  "a crash after it was carried out": { isSent: true, crashes: true },
  "its reply lost, the SDK sends it again": { isSent: true, crashes: false, place: "attempt" },
  "its reply lost for good": { isSent: true, crashes: false },
} as const satisfies Record<string, Fault>;

interface Fault {
  readonly isSent: boolean;
  /** Whether the process is gone with it. */
  readonly crashes: boolean;
  readonly place?: InterceptPlace | undefined;
}

interface Operation {
  readonly producer?: { readonly id: string } | undefined;
  readonly enqueue: (queue: Queue) => Promise<EnqueueResult>;
}

const OPERATIONS: Record<string, Operation> = {
  "with ids": {
    enqueue: (queue) => queue.enqueue(["a", "b", "c"].map((body) => ({ body, messageId: body }))),
  },
  "of a producer": {
    producer: { id: "scanner" },
    enqueue: (queue) =>
      queue.enqueue(
        ["a", "b", "c"].map((body) => ({ body })),
        { sequence: 1 },
      ),
  },
};

const DATABASE = "queuefaults";
const calm = connect(DATABASE);
const quiet = { sleep: async () => undefined };

/** What the next request meets; undefined: nothing any more. */
let fuse: ((send: () => Promise<object>) => Promise<object>) | undefined;

function faultyClient(place: InterceptPlace): DynamoDBClient {
  const client = connect(DATABASE, { maxAttempts: 3 });
  interceptRequests(client, (_, send) => (fuse === undefined ? send() : fuse(send)), place);
  return client;
}

const clients = { call: faultyClient("call"), attempt: faultyClient("attempt") };

beforeAll(() => createQueue({ client: calm, name: "any" }).ensureTables());

let cases = 0;

interface Case {
  readonly operation: Operation;
  readonly fault: Fault;
  /** The request that meets it, from 1. */
  readonly at: number;
  /** Whether somebody else enqueues before the call is repeated. */
  readonly rival: boolean;
}

/** Runs one case; answers whether the call came to the request, and what went wrong. */
async function runCase({
  operation,
  fault,
  at,
  rival,
}: Case): Promise<{ readonly met: boolean; readonly problems: string[] }> {
  const name = `case ${++cases}`;
  const problems: string[] = [];
  const open = (client: DynamoDBClient): Queue =>
    createQueue({ client, name, producer: operation.producer, runtime: quiet });
  let count = 0;
  let isDead = false;
  fuse = async (send) => {
    if (isDead) throw new Error("The process is gone.");
    count += 1;
    if (count !== at) return send();
    isDead = fault.crashes;
    // The reply is lost, be it a success or a refusal.
    if (fault.isSent) await send().catch(() => undefined);
    throw connectionReset();
  };
  const queue = open(clients[fault.place ?? "call"]);
  const first = await operation.enqueue(queue).catch((error: unknown) => error);
  const met = count >= at;
  fuse = undefined;
  if (!met && first instanceof Error) problems.push(`undisturbed, it failed: ${first.message}`);
  const heard = isDead || first instanceof Error ? undefined : (first as EnqueueResult);
  const rivals = rival ? await createQueue({ client: calm, name }).enqueue({ body: "rival" }) : undefined;
  const again = await operation.enqueue(isDead ? open(calm) : queue);
  const stored = await collect(createQueue({ client: calm, name }).read(1));
  const bodies = stored.map(({ body }) => String(body));
  if (
    bodies.toSorted((one, other) => (one < other ? -1 : 1)).join() !==
    ["a", "b", "c", ...(rivals ? ["rival"] : [])].join()
  )
    problems.push(`stored are ${bodies.join()}`);
  if (!bodies.join().includes("a,b,c")) problems.push(`they are not as they were given: ${bodies.join()}`);
  const where = ["a", "b", "c"].map((body) => bodies.indexOf(body) + 1).join();
  for (const told of [heard, again]) {
    // Where a producer's messages are is not known for ever; which they are, is.
    const positions = told?.positions.map(
      (position, index) => position || bodies.indexOf("abc".charAt(index)) + 1,
    );
    if (told !== undefined && positions?.join() !== where)
      problems.push(`told ${told.positions.join()} of ${where}`);
  }
  if (heard !== undefined && again.duplicates.length !== 3)
    problems.push("repeated, they were no duplicates");
  return { met, problems };
}

describe.each(Object.entries(OPERATIONS))("a call %s", (_, operation) => {
  it.each(Object.entries(FAULTS).map(([name, fault], index) => ({ name, fault, index })))(
    "is there once, whichever of its requests meets $name",
    { timeout: 60_000 },
    async ({ fault, index }) => {
      for (let at = 1; ; at++) {
        // Each request meets every second fault with a rival.
        const { met, problems } = await runCase({ operation, fault, at, rival: (at + index) % 2 === 0 });
        expect(problems, `request ${at}`).toEqual([]);
        if (met) continue;
        expect(at).toBeGreaterThan(5);
        break;
      }
    },
  );
});

it("without an id or a sequence, a lost reply leaves its caller in the dark", async () => {
  const queue = createQueue({ client: clients.call, name: "dark", runtime: quiet });
  await queue.enqueue({ body: 0 });
  fuse = async (send) => {
    await send().catch(() => undefined);
    throw connectionReset();
  };
  const error = await queue.enqueue({ body: 1 }).catch((failure: unknown) => failure);
  fuse = undefined;
  expect(error).toBeInstanceOf(TuppenceError);
  expect(error).toMatchObject({ code: "outcomeUnknown", retryable: true });
  // What comes next is enqueued behind it.
  expect(await queue.enqueue({ body: 2 })).toMatchObject({ positions: [3] });
});
