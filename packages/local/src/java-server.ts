import { DynamoDBLocalStartError } from "./errors.ts";
import { freePort } from "./free-port.ts";
import { startGuardedProcess } from "./guarded-process.ts";
import { DYNAMODB_LOCAL_VERSION, findJar, type Jar } from "./jar.ts";
import { findJava, type Java } from "./java.ts";
import { waitUntilAnswers } from "./readiness.ts";
import type { RunningServer, ServerSettings } from "./running-server.ts";
import { newServerName, serverArguments } from "./server-arguments.ts";

/** How many free ports are tried, when somebody takes one before the server does. */
const MAX_PORTS = 3;

export interface JavaInstallation extends Java, Jar {}

/** Finds what it takes to start DynamoDB Local with Java; a string says what is missing. */
export async function findJavaInstallation(env: NodeJS.ProcessEnv): Promise<JavaInstallation | string> {
  const java = await findJava(env);
  if (typeof java === "string") return java;
  const jar = await findJar();
  return typeof jar === "string" ? jar : { ...java, ...jar };
}

/**
 * Starts DynamoDB Local in a Java process that ends with ours.
 *
 * @throws DynamoDBLocalStartError when it ends or keeps silent
 */
export async function startJavaServer(
  java: JavaInstallation,
  settings: ServerSettings,
  findPort: () => Promise<number> = freePort,
): Promise<RunningServer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnPort(java, settings, settings.port ?? (await findPort()));
    } catch (error) {
      const mayRetry = settings.port === undefined && attempt < MAX_PORTS;
      if (!mayRetry || !(error instanceof DynamoDBLocalStartError) || !portWasTaken(error)) throw error;
    }
  }
}

async function startOnPort(
  java: JavaInstallation,
  settings: ServerSettings,
  port: number,
): Promise<RunningServer> {
  const endpoint = `http://127.0.0.1:${port}`;
  const serverName = newServerName();
  const server = startGuardedProcess(java.command, [
    // Made for many cores, the other collectors take a good third of the requests on two.
    "-XX:+UseSerialGC",
    `-Djava.library.path=${java.libraries}`,
    "-jar",
    java.jar,
    ...serverArguments({ port, dataDir: settings.dataDir, serverName }),
  ]);
  try {
    await waitUntilAnswers(endpoint, {
      timeoutMs: settings.startTimeoutMs,
      serverName,
      signal: server.ended,
    });
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    await server.stop();
    throw new DynamoDBLocalStartError(problem, server.lastOutput, { cause });
  }
  return {
    endpoint,
    description: `DynamoDB Local ${DYNAMODB_LOCAL_VERSION} (Java ${java.version})`,
    stop: () => server.stop(),
    kill: () => server.kill(),
  };
}

function portWasTaken(error: DynamoDBLocalStartError): boolean {
  return error.lastOutput.some((line) => line.includes("java.net.BindException"));
}
