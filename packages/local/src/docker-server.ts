import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type * as TestcontainersModule from "testcontainers";
import { DynamoDBLocalStartError } from "./errors.ts";
import { DYNAMODB_LOCAL_VERSION } from "./jar.ts";
import { waitUntilAnswers } from "./readiness.ts";
import type { RunningServer, ServerSettings } from "./running-server.ts";
import { newServerName, serverArguments } from "./server-arguments.ts";

const CONTAINER_PORT = 8000;
const CONTAINER_DATA_DIR = "/data";

type Testcontainers = typeof TestcontainersModule;

/** Finds Docker, through testcontainers; a string says what is missing. */
export async function findDocker(): Promise<Testcontainers | string> {
  let testcontainers: Testcontainers;
  try {
    testcontainers = await import("testcontainers");
  } catch (error) {
    return `the npm package testcontainers cannot be loaded: ${String(error)}`;
  }
  try {
    await testcontainers.getContainerRuntimeClient();
    return testcontainers;
  } catch (error) {
    return `testcontainers finds no Docker: ${String(error)}`;
  }
}

/**
 * Starts DynamoDB Local in a container, which testcontainers' reaper removes when our process ends.
 *
 * @throws DynamoDBLocalStartError when it ends or keeps silent
 */
export async function startDockerServer(
  { GenericContainer, Wait }: Testcontainers,
  settings: ServerSettings,
): Promise<RunningServer> {
  const { dataDir, port, startTimeoutMs } = settings;
  const serverName = newServerName();
  const output: string[] = [];
  let log: Readable | undefined;
  const container = new GenericContainer(`amazon/dynamodb-local:${DYNAMODB_LOCAL_VERSION}`)
    .withExposedPorts(port === undefined ? CONTAINER_PORT : { container: CONTAINER_PORT, host: port })
    .withCommand([
      "-Djava.library.path=./DynamoDBLocal_lib",
      "-jar",
      "DynamoDBLocal.jar",
      ...serverArguments({
        port: CONTAINER_PORT,
        dataDir: dataDir === undefined ? undefined : CONTAINER_DATA_DIR,
        serverName,
      }),
    ])
    .withLogConsumer((stream) => {
      log = stream;
      createInterface({ input: stream }).on("line", (line) => output.push(line));
    })
    // It writes this before it listens; `waitUntilAnswers` waits for the rest.
    .withWaitStrategy(Wait.forLogMessage("Initializing DynamoDB Local"))
    .withStartupTimeout(startTimeoutMs);
  if (dataDir !== undefined) {
    // The image's own user may not write to the folder of another.
    container.withUser("root").withBindMounts([{ source: dataDir, target: CONTAINER_DATA_DIR }]);
  }
  try {
    const started = await container.start();
    const endpoint = `http://${started.getHost()}:${started.getMappedPort(CONTAINER_PORT)}`;
    try {
      await waitUntilAnswers(endpoint, { timeoutMs: startTimeoutMs, serverName });
    } catch (error) {
      await started.stop();
      throw error;
    }
    return runningContainer(endpoint, started);
  } catch (cause) {
    // Docker's own messages end with a space.
    const problem = (cause instanceof Error ? cause.message : String(cause)).trim();
    throw new DynamoDBLocalStartError(problem, output, { cause });
  } finally {
    // A stream that stays open would keep our process from ending.
    log?.destroy();
  }
}

function runningContainer(endpoint: string, container: { stop(): Promise<unknown> }): RunningServer {
  let stopped: Promise<unknown> | undefined;
  const stop = async (): Promise<void> => {
    stopped ??= container.stop().catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
    await stopped;
  };
  // Testcontainers stops without a time of grace, which ends in SIGKILL.
  return { endpoint, description: `DynamoDB Local ${DYNAMODB_LOCAL_VERSION} (Docker)`, stop, kill: stop };
}

/** Whether Docker says that there is no such container: somebody else has removed it. */
function isNotFound(error: unknown): boolean {
  return error instanceof Error && "statusCode" in error && error.statusCode === 404;
}
