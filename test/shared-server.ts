import { startDynamoDBLocal } from "@tuppence/local";

/** One DynamoDB Local for all test files; each uses a database of its own in it. */
export default async function startSharedServer(): Promise<() => Promise<void>> {
  const server = await startDynamoDBLocal();
  process.env["DYNAMODB_ENDPOINT"] = server.endpoint;
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";
  return () => server.stop();
}
