import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { DEFAULT_DATABASE, type LocalClientConfig, localClientConfig } from "./client-config.ts";
import { findDocker, startDockerServer } from "./docker-server.ts";
import { DynamoDBEndpointError, DynamoDBLocalStartError, DynamoDBLocalUnavailableError } from "./errors.ts";
import { findJavaInstallation, startJavaServer } from "./java-server.ts";
import { waitUntilAnswers } from "./readiness.ts";
import type { RunningServer, ServerSettings } from "./running-server.ts";

/** How long a started server has until it answers, in milliseconds. */
export const DEFAULT_START_TIMEOUT_MS = 30_000;

/** A server that was given runs already: it has this long to answer, in milliseconds. */
const GIVEN_ENDPOINT_TIMEOUT_MS = 5_000;

export interface StartOptions {
  /** A DynamoDB that runs already, e.g. "http://127.0.0.1:8000"; default: the variable DYNAMODB_ENDPOINT. */
  readonly endpoint?: string | undefined;
  /** The folder to keep data in, made if it is missing; default: in memory. No use for a given endpoint. */
  readonly dataDir?: string | undefined;
  /** The TCP port to listen on; default: a free one. No use for a given endpoint. */
  readonly port?: number | undefined;
  /** Gets the one line that says what was started; default: standard error; `false`: nothing. */
  readonly log?: ((line: string) => void) | false | undefined;
  /** How long the server has until it answers, in milliseconds; default: 30,000; a given one at most 5,000. */
  readonly startTimeoutMs?: number | undefined;
}

/** A DynamoDB to develop and test with. */
export interface DynamoDBLocal extends AsyncDisposable {
  /** Where it answers, e.g. "http://127.0.0.1:43121". */
  readonly endpoint: string;
  /** What runs it: somebody else ("endpoint"), or a process or a container of ours. */
  readonly source: "endpoint" | "java" | "docker";
  /**
   * Returns the configuration to spread into `new DynamoDBClient(...)`.
   *
   * Each name is a database of its own on this server, empty at first and unseen by the others: the name becomes
   * the access key id, by which DynamoDB Local keeps databases apart. A given endpoint that was started with
   * `-sharedDb` does not keep them apart.
   *
   * @param database letters and digits only; default: "tuppence"
   * @throws TypeError when it has other characters
   */
  clientConfig(database?: string): LocalClientConfig;
  /** Ends the server, at the latest 2 s later when Java runs it; again, or for a given endpoint, does nothing. */
  stop(): Promise<void>;
  /**
   * Kills the server at once (SIGKILL), for tests of what a crash does; a given endpoint is left alone. With `dataDir`, another one
   * that is started on the same folder and port goes on with what was acknowledged, but for transactions of the last few milliseconds at times.
   */
  kill(): Promise<void>;
}

interface Started {
  readonly source: DynamoDBLocal["source"];
  readonly server: RunningServer;
}

/**
 * Gives a DynamoDB that answers: the given endpoint, or else DynamoDB Local started with Java, or else with Docker.
 * What it starts ends with this process, however this process ends, and does not keep it from ending.
 *
 * @throws DynamoDBLocalUnavailableError when there is no endpoint, no Java 17 and no Docker
 * @throws DynamoDBLocalStartError when the server ends or keeps silent
 * @throws DynamoDBEndpointError when no DynamoDB answers at the given endpoint
 */
export async function startDynamoDBLocal(options: StartOptions = {}): Promise<DynamoDBLocal> {
  checkOptions(options);
  const { dataDir, port, startTimeoutMs = DEFAULT_START_TIMEOUT_MS, log = writeToStderr } = options;
  // An empty variable counts as none: some shells and CI systems cannot unset one.
  const fromEnv = process.env["DYNAMODB_ENDPOINT"] || undefined;
  const endpoint = options.endpoint ?? fromEnv;
  const startedAt = performance.now();
  if (endpoint !== undefined) {
    const origin = options.endpoint === undefined ? "DYNAMODB_ENDPOINT" : "the option endpoint";
    const server = await useEndpoint(endpoint, origin, startTimeoutMs);
    if (log !== false) log(`${server.description} at ${endpoint} (given), answering`);
    return dynamoDBLocal({ source: "endpoint", server });
  }
  const folder = dataDir === undefined ? undefined : await makeFolder(dataDir);
  const started = await startServer({ dataDir: folder, port, startTimeoutMs });
  if (log !== false) {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    const where = folder === undefined ? "in memory" : `in ${folder}`;
    log(`${started.server.description} on ${started.server.endpoint}, ${where}, ready in ${seconds} s`);
  }
  return dynamoDBLocal(started);
}

function checkOptions({ endpoint, dataDir, port, startTimeoutMs }: StartOptions): void {
  if (endpoint !== undefined && (dataDir !== undefined || port !== undefined)) {
    throw new TypeError(
      `dataDir and port are for a server that is started, not for the endpoint ${endpoint}`,
    );
  }
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    throw new RangeError(`port is an integer from 1 to 65,535, not ${port}`);
  }
  if (startTimeoutMs !== undefined && !(startTimeoutMs > 0 && Number.isFinite(startTimeoutMs))) {
    throw new RangeError(`startTimeoutMs is a positive number, not ${startTimeoutMs}`);
  }
}

async function useEndpoint(endpoint: string, origin: string, startTimeoutMs: number): Promise<RunningServer> {
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw new TypeError(`${origin} is a URL such as http://127.0.0.1:8000, not ${JSON.stringify(endpoint)}`);
  }
  try {
    await waitUntilAnswers(endpoint, { timeoutMs: Math.min(startTimeoutMs, GIVEN_ENDPOINT_TIMEOUT_MS) });
  } catch (cause) {
    throw new DynamoDBEndpointError(endpoint, origin, { cause });
  }
  const leaveAlone = (): Promise<void> => Promise.resolve();
  return { endpoint, description: "DynamoDB", stop: leaveAlone, kill: leaveAlone };
}

async function startServer(settings: ServerSettings): Promise<Started> {
  const java = await findJavaInstallation(process.env);
  if (typeof java !== "string") return { source: "java", server: await startJavaServer(java, settings) };
  const docker = await findDocker();
  if (typeof docker !== "string")
    return { source: "docker", server: await startDockerServer(docker, settings) };
  throw new DynamoDBLocalUnavailableError({ java, docker });
}

function dynamoDBLocal({ source, server }: Started): DynamoDBLocal {
  return {
    endpoint: server.endpoint,
    source,
    clientConfig: (database = DEFAULT_DATABASE) => localClientConfig(server.endpoint, database),
    stop: () => server.stop(),
    kill: () => server.kill(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

async function makeFolder(path: string): Promise<string> {
  const folder = resolve(path);
  try {
    await mkdir(folder, { recursive: true });
    return folder;
  } catch (cause) {
    throw new DynamoDBLocalStartError(`the folder ${folder} cannot be made`, [], { cause });
  }
}

function writeToStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}
