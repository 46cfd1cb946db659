import { projectionEventSourceMapping } from "@tuppence/projections/lambda";
import { queueEventSourceMapping } from "@tuppence/queue/lambda";
import { bellEventSourceMapping } from "@tuppence/scheduler/lambda";
import { logEventSourceMapping } from "@tuppence/stream-adapter/lambda";
import { Duration, Stack, type StackProps } from "aws-cdk-lib";
import { Alarm } from "aws-cdk-lib/aws-cloudwatch";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { LETTERS } from "../letter.ts";
import { createApplicationsApi } from "./applications-api.ts";
import { PERMISSIONS, type Permissions, statementsFor } from "./permissions.ts";
import { StreamFunction, type StreamFunctionOptions } from "./stream-function.ts";
import { createTables, type Tables, type TablesOptions } from "./tables.ts";

export interface PermitsStackProps extends StackProps, TablesOptions {}

/** An office that decides on building permits: nothing in it runs, or is paid for by the hour. */
export class PermitsStack extends Stack {
  constructor(scope: Construct, id: string, { tablePrefix, isDisposable, ...props }: PermitsStackProps) {
    super(scope, id, props);
    const tables = createTables(this, { tablePrefix, isDisposable });
    const givenUp = new Queue(this, "GivenUp", {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    for (const { name, needs, ...options } of functionsOn(tables)) {
      const statements = statementsFor(tables, needs);
      new StreamFunction(this, name, { ...options, tablePrefix, givenUp, statements });
    }
    new Alarm(this, "SomethingGivenUp", {
      metric: givenUp.metricApproximateNumberOfMessagesVisible({ statistic: "Maximum" }),
      threshold: 1,
      evaluationPeriods: 1,
    });
    createApplicationsApi(this, tables.events);
  }
}

type WokenFunction = Pick<StreamFunctionOptions, "handler" | "table" | "mapping"> & {
  readonly name: string;
  readonly needs: readonly Permissions[];
};

/** What runs, and when: settings and permissions are those of the packages that the handlers come from. */
function functionsOn(tables: Tables): readonly WokenFunction[] {
  const { append, sequence, project, enqueue, consume, schedule, fire } = PERMISSIONS;
  return [
    {
      name: "Log",
      handler: "log",
      table: tables.events,
      mapping: logEventSourceMapping(),
      needs: [sequence],
    },
    {
      name: "Projections",
      handler: "projections",
      table: tables.events,
      mapping: projectionEventSourceMapping(),
      needs: [project, schedule, enqueue],
    },
    {
      name: "Letters",
      handler: "letters",
      table: tables.letters,
      mapping: queueEventSourceMapping(LETTERS),
      needs: [consume, append],
    },
    {
      name: "Deadlines",
      handler: "deadlines",
      table: tables.schedules,
      mapping: bellEventSourceMapping(),
      needs: [fire, append],
    },
  ];
}
