import { CreateTableCommand, type DynamoDBClient, UpdateTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import { resourcesOf, type SynthesizedStack } from "./synthesized-stack.ts";

/** Creates a stack's tables, as CloudFormation would. */
export async function createLocalTables(client: DynamoDBClient, stack: SynthesizedStack): Promise<void> {
  for (const { Properties } of resourcesOf(stack, "AWS::DynamoDB::Table").values()) {
    const { TableName, AttributeDefinitions, KeySchema, BillingMode, GlobalSecondaryIndexes } = Properties;
    const { StreamSpecification: stream, TimeToLiveSpecification } = Properties;
    await client.send(
      new CreateTableCommand({
        TableName,
        AttributeDefinitions,
        KeySchema,
        BillingMode,
        GlobalSecondaryIndexes,
        ...(stream && { StreamSpecification: { StreamEnabled: true, ...stream } }),
      }),
    );
    // DynamoDB Local looks at 20 items every ten seconds: only at those whose removal something waits for.
    if (TimeToLiveSpecification === undefined || stream === undefined) continue;
    await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
  }
}
