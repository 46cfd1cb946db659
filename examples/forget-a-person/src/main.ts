import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { startDynamoDBLocal } from "@tuppence/local";
import { runDemo } from "./run-demo.ts";

// The AWS SDK warns at each start on Node 20, which this project supports: this is the SDK's own switch for that.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

const dynamodb = await startDynamoDBLocal();
const client = new DynamoDBClient(dynamodb.clientConfig());
await runDemo(client, (line) => console.log(line));
client.destroy();
await dynamodb.stop();
