import type { EventSourceMappingSettings } from "@tuppence/stream-adapter/lambda";
import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { Alarm, ComparisonOperator, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import type { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  Architecture,
  CfnEventSourceMapping,
  type CfnEventSourceMappingProps,
  Function as LambdaFunction,
  Runtime,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { bundledCode } from "./bundled-code.ts";
import { streamStatement } from "./permissions.ts";
import { inCamelCase } from "./tables.ts";

export interface StreamFunctionOptions {
  /** The module in `handlers`, without `.ts`. */
  readonly handler: string;
  readonly tablePrefix: string;
  /** The table whose stream wakes it. */
  readonly table: CfnTable;
  /** Settings of its event source mapping, from the package that its handler comes from. */
  readonly mapping: EventSourceMappingSettings;
  /** What it may do, beside reading that stream and writing its own log. */
  readonly statements: readonly PolicyStatement[];
  /** Is told of records that Lambda has given up. */
  readonly givenUp: IQueue;
}

/** How late a function may be before the alarm goes off. */
const MAX_LATE = Duration.minutes(10);

/** A function that a table's stream wakes, and that costs nothing until then. */
export class StreamFunction extends Construct {
  constructor(scope: Construct, id: string, options: StreamFunctionOptions) {
    super(scope, id);
    const { handler, tablePrefix, table, mapping, statements, givenUp } = options;
    const logGroup = new LogGroup(this, "Log", {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    logGroup.grantWrite(role);
    const tell = new PolicyStatement({ actions: ["sqs:SendMessage"], resources: [givenUp.queueArn] });
    for (const statement of [streamStatement(table), tell, ...statements]) role.addToPolicy(statement);
    const fn = new LambdaFunction(this, "Function", {
      role,
      logGroup,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: bundledCode(this, handler),
      handler: "index.handler",
      environment: { TABLE_PREFIX: tablePrefix },
      // 30 seconds or more, so that the next one waits for one that was cut off for a part of it only.
      timeout: Duration.minutes(1),
      memorySize: 512,
    });
    const wakes = new CfnEventSourceMapping(this, "Mapping", {
      ...(inCamelCase(mapping) as CfnEventSourceMappingProps),
      functionName: fn.functionName,
      eventSourceArn: table.attrStreamArn,
      destinationConfig: { onFailure: { destination: givenUp.queueArn } },
    });
    // Lambda looks whether the role may read the stream when the mapping is made.
    wakes.node.addDependency(role);
    // A record that fails is no error of the function to Lambda: this is what shows that something stands still.
    new Alarm(this, "Late", {
      metric: fn.metric("IteratorAge", { statistic: "Maximum", period: Duration.minutes(5) }),
      threshold: MAX_LATE.toMilliseconds(),
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}
