import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as it came in. */
interface ReceivedRequest {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** What to do with a request. */
export type Reply = (response: ServerResponse, request: ReceivedRequest) => void;

export interface ScriptedServer extends AsyncDisposable {
  readonly endpoint: string;
  readonly received: readonly ReceivedRequest[];
}

/** An HTTP server that replies to its first requests by a script, and to all others as the script's last reply does. */
export async function startScriptedServer(...script: readonly Reply[]): Promise<ScriptedServer> {
  const received: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text: string) => void (body += text));
    request.on("end", () => {
      const reply = script[Math.min(received.length, script.length - 1)];
      received.push({ headers: request.headers, body });
      reply?.(response, { headers: request.headers, body });
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A reply of DynamoDB's: JSON, with the request's id. */
export function json(
  statusCode: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return (response) => {
    response.writeHead(statusCode, {
      "content-type": "application/x-amz-json-1.0",
      "x-amzn-requestid": "REQUEST1",
      ...headers,
    });
    response.end(JSON.stringify(body));
  };
}

/** An error of DynamoDB's. */
export function refusal(statusCode: number, name: string, fields: object = {}): Reply {
  return json(statusCode, {
    __type: `com.amazonaws.dynamodb.v20120810#${name}`,
    message: `${name}!`,
    ...fields,
  });
}
