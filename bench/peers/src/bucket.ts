import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** As much of S3 as putting and getting an object takes, in memory. */
export interface Bucket extends AsyncDisposable {
  readonly endpoint: string;
}

export async function openBucket(): Promise<Bucket> {
  const objects = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const [key = ""] = (request.url ?? "").split("?");
    if (request.method !== "PUT") {
      const object = objects.get(key);
      response.writeHead(object ? 200 : 404).end(object);
      return;
    }
    void put(key, request, response);
  });
  const put = async (key: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    objects.set(key, await buffer(request));
    response.setHeader("etag", '"1"').end();
  };
  await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
