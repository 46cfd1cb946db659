import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type Access, accessesOf, type Request } from "./role-policy.ts";

/** An endpoint of DynamoDB that refuses what a role may not do. */
export interface GuardedEndpoint {
  readonly url: string;
  /** What was refused, as `Action table`. */
  readonly refused: string[];
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** Passes requests on to a DynamoDB, if they are allowed. */
export async function startGuardedEndpoint(
  dynamodb: string,
  isAllowed: (access: Access) => boolean,
): Promise<GuardedEndpoint> {
  const refused: string[] = [];
  const server = createServer((request, response) => {
    void answer().catch((error: unknown) => response.destroy(error as Error));

    async function answer(): Promise<void> {
      const body = await text(request);
      const operation = String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
      const denied = accessesOf(operation, JSON.parse(body) as Request).filter(
        (access) => !isAllowed(access),
      );
      for (const { action, tableName } of denied) refused.push(`${action} ${tableName}`);
      if (denied.length > 0) {
        response.writeHead(400, { "content-type": "application/x-amz-json-1.0" });
        response.end(JSON.stringify({ __type: "com.amazon.coral.service#AccessDeniedException" }));
        return;
      }
      const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
        OWN_HEADERS.has(name) ? [] : [[name, String(value)]],
      );
      const reply = await fetch(dynamodb, { method: "POST", headers, body });
      const checksum = reply.headers.get("x-amz-crc32");
      response.writeHead(reply.status, {
        "content-type": "application/x-amz-json-1.0",
        ...(checksum !== null && { "x-amz-crc32": checksum }),
      });
      response.end(await reply.text());
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refused,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** Of the connection to us. */
const OWN_HEADERS = new Set(["host", "connection", "content-length", "expect", "accept-encoding"]);
