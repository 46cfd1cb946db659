import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { DynamoDBClient, PutItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type DynamoDBLocal, startDynamoDBLocal } from "../src/index.ts";
import { freePort } from "../src/free-port.ts";
import { DYNAMODB_LOCAL_VERSION } from "../src/jar.ts";
import { findJavaInstallation, startJavaServer } from "../src/java-server.ts";
import { isListening } from "./listening.ts";
import { SHORT_LIVED } from "./short-lived.ts";
import { createTable, getText, listTables, putText } from "./tables.ts";

const settings = { dataDir: undefined, port: undefined, startTimeoutMs: 30_000 };

// These tests start servers of their own, whatever the others share.
beforeEach(() => {
  vi.stubEnv("DYNAMODB_ENDPOINT", undefined);
  vi.stubEnv("JAVA_TOOL_OPTIONS", SHORT_LIVED);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe("in memory, with Java", () => {
  let local: DynamoDBLocal;
  const lines: string[] = [];

  beforeAll(async () => {
    vi.stubEnv("DYNAMODB_ENDPOINT", undefined);
    vi.stubEnv("JAVA_TOOL_OPTIONS", SHORT_LIVED);
    local = await startDynamoDBLocal({ log: (line) => lines.push(line) });
  });
  afterAll(() => local.stop());

  it("says in one line what it started", () => {
    expect(local.source).toBe("java");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^DynamoDB Local [\d.]+ \(Java \d+\) on http:\/\/127\.0\.0\.1:\d+, in memory, ready in \d+\.\d s$/,
    );
    expect(lines[0]).toContain(local.endpoint);
  });

  it("keeps tables and items", async () => {
    const config = local.clientConfig("kept");
    await createTable(config, "events");
    await putText(config, "events", "read back");
    expect(await getText(config, "events")).toBe("read back");
  });

  it("keeps databases apart", async () => {
    await createTable(local.clientConfig("one"), "events");
    expect(await listTables(local.clientConfig("one"))).toEqual(["events"]);
    expect(await listTables(local.clientConfig("two"))).toEqual([]);
  });

  it("has a database of a default name, and refuses names that the server would refuse", () => {
    expect(local.clientConfig().credentials.accessKeyId).toBe("tuppence");
    expect(() => local.clientConfig("my-tests")).toThrow(
      new TypeError('A database\'s name has letters and digits only, not "my-tests"'),
    );
    expect(() => local.clientConfig("")).toThrow(TypeError);
  });

  it("is used when it is given as an endpoint, and stop() leaves it alone", async () => {
    const given: string[] = [];
    const again = await startDynamoDBLocal({ endpoint: local.endpoint, log: (line) => given.push(line) });
    expect(again.source).toBe("endpoint");
    expect(given).toEqual([`DynamoDB at ${local.endpoint} (given), answering`]);
    await createTable(again.clientConfig("given"), "events");
    await again.stop();
    expect(await listTables(local.clientConfig("given"))).toEqual(["events"]);
  });

  it("is used when DYNAMODB_ENDPOINT names it", async () => {
    vi.stubEnv("DYNAMODB_ENDPOINT", local.endpoint);
    const again = await startDynamoDBLocal({ log: false });
    expect(again).toMatchObject({ source: "endpoint", endpoint: local.endpoint });
  });

  it("gets another port when somebody takes the one that was free", async () => {
    const java = await findJavaInstallation(process.env);
    if (typeof java === "string") throw new Error(java);
    const taken = Number(new URL(local.endpoint).port);
    const asked: number[] = [];
    const server = await startJavaServer(java, settings, async () => {
      asked.push(asked.length === 0 ? taken : await freePort());
      return asked.at(-1) ?? taken;
    });
    expect(asked).toHaveLength(2);
    expect(server.endpoint).toBe(`http://127.0.0.1:${asked[1]}`);
    await server.stop();
  });

  it("is not mistaken for a server that never got a free port, or not the one that was asked for", async () => {
    const java = await findJavaInstallation(process.env);
    if (typeof java === "string") throw new Error(java);
    const port = Number(new URL(local.endpoint).port);
    const asked: number[] = [];
    const findTaken = async (): Promise<number> => {
      asked.push(port);
      return port;
    };
    // Side by side: each try is a Java that starts.
    const failures = await Promise.allSettled([
      startJavaServer(java, settings, findTaken),
      startDynamoDBLocal({ port, log: false }),
    ]);
    expect(asked).toHaveLength(3);
    const reason = {
      code: "dynamodbLocalStart",
      message: expect.stringContaining("it ended with code 1"),
      lastOutput: expect.arrayContaining([expect.stringContaining("java.net.BindException")]),
    };
    expect(failures).toMatchObject([
      { status: "rejected", reason },
      { status: "rejected", reason },
    ]);
  });

  it("is the version that it says it is", async () => {
    const java = await findJavaInstallation(process.env);
    if (typeof java === "string") throw new Error(java);
    const { stdout } = await promisify(execFile)(java.command, ["-jar", java.jar, "-version"]);
    expect(stdout).toContain(DYNAMODB_LOCAL_VERSION);
  });
});

describe("a server of one's own", () => {
  it("keeps data in a folder; is gone after stop(), which may be called again, and at the end of its block", async () => {
    const parent = await mkdtemp(join(tmpdir(), "tuppence-local-"));
    const dataDir = join(parent, "made", "for it");
    const lines: string[] = [];
    const before = await startDynamoDBLocal({ dataDir, log: (line) => lines.push(line) });
    await createTable(before.clientConfig(), "events");
    await putText(before.clientConfig(), "events", "kept");
    expect(await isListening(before.endpoint)).toBe(true);
    await Promise.all([before.stop(), before.stop()]);
    await before.stop();
    expect(await isListening(before.endpoint)).toBe(false);
    let endpoint: string;
    {
      await using after = await startDynamoDBLocal({ dataDir, log: false });
      endpoint = after.endpoint;
      expect(await getText(after.clientConfig(), "events")).toBe("kept");
    }
    expect(await isListening(endpoint)).toBe(false);
    expect(lines[0]).toContain(`, in ${dataDir}, ready`);
    await rm(parent, { recursive: true });
  });

  it("can be killed in the middle of puts, and has what it acknowledged when it is started again", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "tuppence-local-"));
    const before = await startDynamoDBLocal({ dataDir, log: false });
    const config = { ...before.clientConfig(), maxAttempts: 1 };
    await createTable(config, "events");
    const client = new DynamoDBClient(config);
    const acknowledged: string[] = [];
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      // Until it can't be reached any more.
      for (let number = 0; ; number++) {
        const id = `${writer}-${number}`;
        await client.send(new PutItemCommand({ TableName: "events", Item: { id: { S: id } } }));
        acknowledged.push(id);
        if (acknowledged.length === 40) await before.kill();
      }
    });
    await Promise.allSettled(writers);
    client.destroy();
    expect(await isListening(before.endpoint)).toBe(false);
    await before.kill();
    const port = Number(new URL(before.endpoint).port);
    await using after = await startDynamoDBLocal({ dataDir, port, log: false });
    const again = new DynamoDBClient(after.clientConfig());
    const { Items = [] } = await again.send(new ScanCommand({ TableName: "events", ConsistentRead: true }));
    again.destroy();
    expect(Items.map(({ id }) => id?.S)).toEqual(expect.arrayContaining(acknowledged));
    expect(acknowledged.length).toBeGreaterThanOrEqual(40);
    await rm(dataDir, { recursive: true });
  });

  it("is given up and ended when it is not ready in time", async () => {
    await expect(startDynamoDBLocal({ startTimeoutMs: 1, log: false })).rejects.toMatchObject({
      name: "DynamoDBLocalStartError",
      code: "dynamodbLocalStart",
    });
  });

  it("says so when its folder cannot be made", async () => {
    const dataDir = join(process.execPath, "below a file");
    await expect(startDynamoDBLocal({ dataDir, log: false })).rejects.toMatchObject({
      code: "dynamodbLocalStart",
      message: expect.stringContaining(dataDir),
    });
  });
});

describe("an endpoint that does not answer", () => {
  // It hangs up on whoever calls, and keeps the port so that nobody else can answer there.
  const mute = createServer((socket) => socket.destroy());
  let endpoint: string;
  beforeAll(async () => {
    await once(mute.listen(0, "127.0.0.1"), "listening");
    const address = mute.address();
    if (address === null || typeof address === "string") throw new TypeError("No TCP address");
    endpoint = `http://127.0.0.1:${address.port}`;
  });
  afterAll(() => mute.close());

  it("is an error when it is an option", async () => {
    await expect(startDynamoDBLocal({ endpoint, log: false, startTimeoutMs: 100 })).rejects.toMatchObject({
      name: "DynamoDBEndpointError",
      code: "dynamodbEndpoint",
      retryable: true,
      endpoint,
      message: `No DynamoDB answers at ${endpoint} (given by the option endpoint): start it, or give another`,
    });
  });

  it("is an error when it is the variable", async () => {
    vi.stubEnv("DYNAMODB_ENDPOINT", endpoint);
    await expect(startDynamoDBLocal({ log: false, startTimeoutMs: 100 })).rejects.toMatchObject({
      code: "dynamodbEndpoint",
      message: expect.stringContaining("given by DYNAMODB_ENDPOINT"),
    });
  });
});

describe("an endpoint where something else answers", () => {
  it("is an error", async () => {
    const other = createHttpServer((_, response) => response.end("hello"));
    await once(other.listen(0, "127.0.0.1"), "listening");
    const address = other.address();
    if (address === null || typeof address === "string") throw new TypeError("No TCP address");
    const endpoint = `http://127.0.0.1:${address.port}`;
    await expect(startDynamoDBLocal({ endpoint, log: false, startTimeoutMs: 100 })).rejects.toMatchObject({
      code: "dynamodbEndpoint",
      cause: new Error(`What answers at ${endpoint} is not DynamoDB: HTTP 200, null`),
    });
    other.close();
  });
});

describe("mistakes in the options", () => {
  it.each([
    [{ endpoint: "localhost:8000" }, TypeError],
    [{ endpoint: "http://127.0.0.1:8000", port: 8000 }, TypeError],
    [{ endpoint: "http://127.0.0.1:8000", dataDir: "data" }, TypeError],
    [{ port: 0 }, RangeError],
    [{ port: 65_536 }, RangeError],
    [{ startTimeoutMs: 0 }, RangeError],
    [{ startTimeoutMs: Number.NaN }, RangeError],
  ])("%j is refused", async (options, error) => {
    await expect(startDynamoDBLocal(options)).rejects.toThrow(error);
  });
});
