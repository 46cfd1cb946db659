import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request of AWS's JSON protocol. */
export interface JsonRequest {
  /** The operation, e.g. "AmazonSQS.SendMessage". */
  readonly target: string;
  readonly body: unknown;
}

/** What a service answers; `undefined`: nothing, ever. */
export interface JsonReply {
  readonly status?: number;
  /** Of an error. */
  readonly type?: string;
  readonly body?: object;
}

export interface JsonService {
  readonly requests: readonly JsonRequest[];
  /** What to make the SDK's client with: one attempt, so that each failure is seen. */
  readonly clientConfig: {
    readonly endpoint: string;
    readonly region: string;
    readonly maxAttempts: number;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  stop(): Promise<void>;
}

/** A service on this machine that speaks AWS's JSON protocol. https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html */
export async function startJsonService(
  answer: (request: JsonRequest) => JsonReply | undefined,
): Promise<JsonService> {
  const requests: JsonRequest[] = [];
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = {
      target: String(incoming.headers["x-amz-target"]),
      body: JSON.parse(await textOf(incoming)) as unknown,
    };
    requests.push(request);
    const reply = answer(request);
    if (reply === undefined) return;
    const { status = 200, type, body = {} } = reply;
    response.writeHead(status, { "Content-Type": "application/x-amz-json-1.1" });
    response.end(JSON.stringify(type === undefined ? body : { __type: type, ...body }));
  };
  const server = createServer((incoming, response) => void serve(incoming, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    requests,
    clientConfig: {
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: "eu-west-1",
      maxAttempts: 1,
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of incoming) text += String(chunk);
  return text;
}
