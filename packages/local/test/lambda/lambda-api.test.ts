import {
  type InvocationResponse,
  InvokeCommand,
  type InvokeCommandInput,
  LambdaClient,
} from "@aws-sdk/client-lambda";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import {
  inProcessFunction,
  type InvocationRecord,
  type LambdaApi,
  type LambdaApiOptions,
  type LambdaContext,
  type LocalFunction,
  startLambdaApi,
} from "../../src/lambda/index.ts";

const ARN = "arn:aws:lambda:us-east-1:000000000000:function";

interface Call {
  readonly event: unknown;
  readonly requestId: string;
}

const calls: Call[] = [];
/** Callers that wait in the function `gate`, each to be let go. */
const gate: (() => void)[] = [];
const open: { stop(): unknown }[] = [];

const echo = inProcessFunction({
  name: "echo",
  handler: async (event: unknown, { awsRequestId: requestId }: LambdaContext) => {
    calls.push({ event, requestId });
    return { event };
  },
});
const fails = inProcessFunction({
  name: "fails",
  handler: async (event: unknown, { awsRequestId: requestId }: LambdaContext) => {
    calls.push({ event, requestId });
    throw new RangeError("no");
  },
});
const waits = inProcessFunction({
  name: "waits",
  timeoutMs: 60_000,
  handler: (event: unknown, { awsRequestId: requestId }: LambdaContext) => {
    calls.push({ event, requestId });
    return new Promise<void>((resolve) => {
      gate.push(resolve);
    });
  },
});

beforeEach(() => {
  calls.length = 0;
  gate.length = 0;
});
afterAll(() => Promise.all(open.map((one) => one.stop())));

interface Serving {
  readonly api: LambdaApi;
  readonly client: LambdaClient;
}

async function serve(options: Partial<LambdaApiOptions> = {}): Promise<Serving> {
  const api = await startLambdaApi({ functions: [echo, fails, waits], retryWaitsMs: [1, 2], ...options });
  const client = new LambdaClient({ ...api.clientConfig(), maxAttempts: 1 });
  open.push(api, { stop: () => client.destroy() });
  return { api, client };
}

const { api, client } = await serve();

async function invoke(input: InvokeCommandInput, by: LambdaClient = client): Promise<InvocationResponse> {
  const { $metadata: _, ...response } = await by.send(new InvokeCommand(input));
  return response;
}

function textOf({ Payload }: InvocationResponse): unknown {
  return JSON.parse(Buffer.from(Payload ?? []).toString());
}

describe("a caller that waits", () => {
  it("gets what the function returned", async () => {
    const response = await invoke({ FunctionName: "echo", Payload: `{"a":"ä€😀"}` });
    expect(response).toMatchObject({ StatusCode: 200, ExecutedVersion: "$LATEST" });
    expect(response.FunctionError).toBeUndefined();
    expect(textOf(response)).toEqual({ event: { a: "ä€😀" } });
  });

  it("has {} as the event when it sends none", async () => {
    expect(textOf(await invoke({ FunctionName: "echo" }))).toEqual({ event: {} });
  });

  it("has its request's id as the invocation's", async () => {
    const { $metadata } = await client.send(new InvokeCommand({ FunctionName: "echo" }));
    expect(calls).toEqual([{ event: {}, requestId: $metadata.requestId }]);
  });

  it("gets an error of the function's as a result", async () => {
    const response = await invoke({ FunctionName: "fails" });
    expect(response).toMatchObject({ StatusCode: 200, FunctionError: "Unhandled" });
    expect(textOf(response)).toMatchObject({ errorType: "RangeError", errorMessage: "no" });
    expect(calls).toHaveLength(1);
  });

  it.each([
    "echo",
    "echo:$LATEST",
    "echo:live",
    "function:echo",
    "000000000000:function:echo",
    `${ARN}:echo`,
    `${ARN}:echo:7`,
    "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:echo",
  ])("finds a function by %s", async (FunctionName) => {
    expect(await invoke({ FunctionName })).toMatchObject({ StatusCode: 200 });
  });

  it("may give a qualifier apart, but no other than in the name", async () => {
    expect(await invoke({ FunctionName: "echo", Qualifier: "live" })).toMatchObject({ StatusCode: 200 });
    await expect(invoke({ FunctionName: "echo:7", Qualifier: "live" })).rejects.toMatchObject({
      name: "InvalidParameterValueException",
      $metadata: { httpStatusCode: 400 },
    });
  });
});

describe("a request that Lambda refuses", () => {
  it.each([
    ["nobody", undefined, `Function not found: ${ARN}:nobody`],
    [`${ARN}:nobody:live`, undefined, `Function not found: ${ARN}:nobody:live`],
    ["nobody", "7", `Function not found: ${ARN}:nobody:7`],
  ])("names a function that is not there: %s %s", async (FunctionName, Qualifier, message) => {
    await expect(invoke({ FunctionName, Qualifier })).rejects.toMatchObject({
      name: "ResourceNotFoundException",
      message,
      Type: "User",
      $metadata: { httpStatusCode: 404 },
    });
  });

  it("has an event that is no JSON", async () => {
    await expect(invoke({ FunctionName: "echo", Payload: "{" })).rejects.toMatchObject({
      name: "InvalidRequestContentException",
      message: expect.stringContaining("Could not parse request body into json: "),
      $metadata: { httpStatusCode: 400 },
    });
  });

  it.each([
    ["RequestResponse", 6_291_456],
    ["Event", 1_048_576],
  ] as const)("has an event above the limit: %s, %d bytes", async (InvocationType, bytes) => {
    const input = { FunctionName: "echo", InvocationType } as const;
    const event = (length: number): string => JSON.stringify("x".repeat(length - 2));
    // The reply is the event and some more, and then above its own limit; the request was taken all the same.
    expect(await invoke({ ...input, Payload: event(bytes) })).toMatchObject({
      StatusCode: InvocationType === "Event" ? 202 : 200,
    });
    await expect(invoke({ ...input, Payload: event(bytes + 1) })).rejects.toMatchObject({
      name: "RequestEntityTooLargeException",
      message: `Request must be smaller than ${bytes} bytes for the InvokeFunction operation`,
      $metadata: { httpStatusCode: 413 },
    });
    await api.whenIdle();
    expect(calls).toHaveLength(1);
  });

  it("is one too many at once, until another is done", async () => {
    const limited = await serve({ concurrency: { waits: 1 } });
    const first = invoke({ FunctionName: "waits" }, limited.client);
    await expect.poll(() => gate.length).toBe(1);
    await expect(invoke({ FunctionName: "waits" }, limited.client)).rejects.toMatchObject({
      name: "TooManyRequestsException",
      message: "Rate Exceeded.",
      Reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
      $metadata: { httpStatusCode: 429 },
    });
    expect(await invoke({ FunctionName: "echo" }, limited.client)).toMatchObject({ StatusCode: 200 });
    gate[0]?.();
    await first;
    const second = invoke({ FunctionName: "waits" }, limited.client);
    await expect.poll(() => gate.length).toBe(2);
    gate[1]?.();
    expect(await second).toMatchObject({ StatusCode: 200 });
  });

  it("has a type of invocation that there is not", async () => {
    await expect(invoke({ FunctionName: "echo", InvocationType: "Later" as never })).rejects.toMatchObject({
      name: "ValidationException",
    });
  });

  it.each([
    ["has no signature, as from a web page", "POST", "/2015-03-31/functions/echo/invocations", {}, 403],
    ["is for something else", "GET", "/2015-03-31/functions/echo", { authorization: "AWS4" }, 404],
  ])("%s", async (_, method, path, headers, status) => {
    const response = await fetch(api.endpoint + path, { method, headers });
    expect(response.status).toBe(status);
    expect(calls).toEqual([]);
  });

  it("meets a function that breaks its promise not to reject", async () => {
    const breaks: LocalFunction = { name: "breaks", invoke: () => Promise.reject(new TypeError("stopped")) };
    const broken = await serve({ functions: [breaks] });
    await expect(invoke({ FunctionName: "breaks" }, broken.client)).rejects.toMatchObject({
      name: "ServiceException",
      $metadata: { httpStatusCode: 500 },
    });
  });
});

describe("a dry run", () => {
  it("checks the request, and runs nothing", async () => {
    const input = { FunctionName: "echo", InvocationType: "DryRun" } as const;
    expect(await invoke(input)).toMatchObject({ StatusCode: 204 });
    await expect(invoke({ ...input, FunctionName: "nobody" })).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
    expect(calls).toEqual([]);
  });
});

describe("a caller that does not wait", () => {
  const later = { InvocationType: "Event" } as const;

  it("is answered at once, before the function is done", async () => {
    const response = await invoke({ ...later, FunctionName: "waits", Payload: `{"n":1}` });
    expect(response).toMatchObject({ StatusCode: 202 });
    expect(response.FunctionError).toBeUndefined();
    const idle = async (): Promise<string> => {
      await api.whenIdle();
      return "idle";
    };
    const running = async (): Promise<string> => {
      await expect.poll(() => gate.length).toBe(1);
      return "running";
    };
    expect(await Promise.race([idle(), running()])).toBe("running");
    gate[0]?.();
    await api.whenIdle();
    expect(calls).toEqual([{ event: { n: 1 }, requestId: expect.any(String) }]);
  });

  it("has a failing function run three times, and the failure reported", async () => {
    const records: InvocationRecord[] = [];
    const reported = await serve({ onFailure: (record) => void records.push(record) });
    const { $metadata } = await reported.client.send(
      new InvokeCommand({ ...later, FunctionName: "fails", Payload: `{"n":1}` }),
    );
    await reported.api.whenIdle();
    const { requestId } = $metadata;
    const call = { event: { n: 1 }, requestId };
    expect(calls).toEqual([call, call, call]);
    expect(records).toEqual([
      {
        version: "1.0",
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        requestContext: {
          requestId,
          functionArn: `${ARN}:fails:$LATEST`,
          condition: "RetriesExhausted",
          approximateInvokeCount: 3,
        },
        requestPayload: { n: 1 },
        responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
        responsePayload: expect.objectContaining({ errorType: "RangeError", errorMessage: "no" }),
      },
    ]);
  });

  it("is not retried once it succeeds, or when there are no retries", async () => {
    let failures = 1;
    const flaky = inProcessFunction({
      name: "flaky",
      handler: async (event: unknown) => {
        calls.push({ event, requestId: "" });
        if (failures-- > 0) throw new Error("once");
      },
    });
    const records: InvocationRecord[] = [];
    const onFailure = (record: InvocationRecord): void => void records.push(record);
    const some = await serve({ functions: [flaky, fails], onFailure });
    await invoke({ ...later, FunctionName: "flaky" }, some.client);
    await some.api.whenIdle();
    expect(calls).toHaveLength(2);
    expect(records).toEqual([]);
    const none = await serve({ retryWaitsMs: [], onFailure });
    await invoke({ ...later, FunctionName: "fails" }, none.client);
    await none.api.whenIdle();
    expect(calls).toHaveLength(3);
    expect(records).toMatchObject([{ requestContext: { approximateInvokeCount: 1 } }]);
  });

  it("waits in line where the concurrency is used up", async () => {
    const limited = await serve({ concurrency: { waits: 1 } });
    for (const n of [1, 2]) {
      await invoke({ ...later, FunctionName: "waits", Payload: JSON.stringify({ n }) }, limited.client);
    }
    await expect.poll(() => gate.length).toBe(1);
    // A caller that waits is refused: the one in line holds no place, the one that runs does.
    await expect(invoke({ FunctionName: "waits" }, limited.client)).rejects.toMatchObject({
      name: "TooManyRequestsException",
    });
    expect(calls).toMatchObject([{ event: { n: 1 } }]);
    gate[0]?.();
    await expect.poll(() => gate.length).toBe(2);
    gate[1]?.();
    await limited.api.whenIdle();
    expect(calls).toMatchObject([{ event: { n: 1 } }, { event: { n: 2 } }]);
  });

  it("is given up in its waits when the API stops", async () => {
    const hourly = await serve({ retryWaitsMs: [3_600_000] });
    await invoke({ ...later, FunctionName: "fails" }, hourly.client);
    await expect.poll(() => calls.length).toBe(1);
    await hourly.api.stop();
    await hourly.api.stop();
    await hourly.api.whenIdle();
    expect(calls).toHaveLength(1);
  });
});

describe("the API", () => {
  it("listens on this machine alone", () => {
    expect(api.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(api.clientConfig()).toMatchObject({ endpoint: api.endpoint, region: "us-east-1" });
  });

  it("refuses functions and limits that make no sense", async () => {
    const functions = [echo];
    await expect(startLambdaApi({ functions: [echo, echo] })).rejects.toThrow(
      "two functions of the name echo",
    );
    await expect(startLambdaApi({ functions, concurrency: { nobody: 1 } })).rejects.toThrow(TypeError);
    await expect(startLambdaApi({ functions, concurrency: { echo: -1 } })).rejects.toThrow(RangeError);
    await expect(startLambdaApi({ functions, retryWaitsMs: [1, 1, 1] })).rejects.toThrow(RangeError);
  });
});
