/** Why neither of the two ways of starting DynamoDB Local could be taken. */
export interface UnavailableReasons {
  readonly java: string;
  readonly docker: string;
}

/** No endpoint was given, and there is neither Java nor Docker to start DynamoDB Local with. */
export class DynamoDBLocalUnavailableError extends Error {
  override readonly name = "DynamoDBLocalUnavailableError";
  readonly code = "dynamodbLocalUnavailable";
  readonly retryable = false;
  readonly reasons: UnavailableReasons;

  constructor(reasons: UnavailableReasons, options?: ErrorOptions) {
    super(
      [
        "There is nothing to run DynamoDB Local with. Do one of these:",
        "  - install Java 17 or newer: apt-get install openjdk-17-jre-headless, or brew install openjdk@17",
        `      (not taken: ${reasons.java})`,
        "  - install Docker, and testcontainers as a dev dependency",
        `      (not taken: ${reasons.docker})`,
        "  - set DYNAMODB_ENDPOINT to a DynamoDB that is running already, e.g. http://127.0.0.1:8000",
        "      (not taken: it is not set)",
      ].join("\n"),
      options,
    );
    this.reasons = reasons;
  }
}

/** DynamoDB Local was started, and ended or kept silent before it was ready. */
export class DynamoDBLocalStartError extends Error {
  override readonly name = "DynamoDBLocalStartError";
  readonly code = "dynamodbLocalStart";
  readonly retryable = false;
  /** The last lines that the server wrote, oldest first. */
  readonly lastOutput: readonly string[];

  constructor(problem: string, lastOutput: readonly string[], options?: ErrorOptions) {
    const output = lastOutput.length === 0 ? "It wrote nothing." : `It wrote:\n${lastOutput.join("\n")}`;
    super(`DynamoDB Local did not start: ${problem}. ${output}`, options);
    this.lastOutput = lastOutput;
  }
}

/** No DynamoDB answers at the endpoint that was given. */
export class DynamoDBEndpointError extends Error {
  override readonly name = "DynamoDBEndpointError";
  readonly code = "dynamodbEndpoint";
  readonly retryable = true;
  readonly endpoint: string;

  constructor(endpoint: string, origin: string, options?: ErrorOptions) {
    super(`No DynamoDB answers at ${endpoint} (given by ${origin}): start it, or give another`, options);
    this.endpoint = endpoint;
  }
}
