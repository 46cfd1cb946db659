import type { Benchmark } from "../benchmark.ts";
import { describeContenders } from "../describe-contenders.ts";
import { startPostgresServer } from "../postgres/postgres-server.ts";
import { compareConsuming } from "./queue-consume.ts";
import { QUEUE_CONTENDERS } from "./queue-contenders.ts";
import { compareCrashes } from "./queue-crashes.ts";
import { compareDelays } from "./queue-delay.ts";
import { compareEnqueueing } from "./queue-enqueue.ts";

/** Queues: a counter on the same table, and pg-boss on a PostgreSQL beside it. */
export const queueBenchmark: Benchmark = {
  name: "queue",
  description:
    "Queues on DynamoDB and on PostgreSQL in turn: throughput, delay, cost, and what crashes leave behind",
  defaultRounds: 3,
  amount: { option: "messages", default: 20_000, description: "How many messages a round has at most" },
  async run(dynamodb, options) {
    await using postgres = await startPostgresServer();
    const servers = { dynamodb, postgres };
    return [
      describeContenders(QUEUE_CONTENDERS, servers, options),
      ...(await compareEnqueueing(servers, options)),
      ...(await compareConsuming(servers, options)),
      ...(await compareDelays(servers, options)),
      ...(await compareCrashes(servers, options)),
    ];
  },
};
