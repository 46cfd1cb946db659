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
    if (TimeToLiveSpecification === undefined) continue;
    await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
  }
}
