import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** A server that knows two calls of S3, with the bucket in the path: PutObject and GetObject. */
export interface BucketServer {
  readonly endpoint: string;
  readonly objects: Map<string, Buffer>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

export async function startBucketServer(): Promise<BucketServer> {
  const objects = new Map<string, Buffer>();
  const server: Server = createServer((request, response) => {
    const key = decodeURIComponent(new URL(request.url ?? "/", "http://s3").pathname);
    void answer(key).catch((error: unknown) => response.destroy(error as Error));

    async function answer(path: string): Promise<void> {
      if (request.method === "PUT") {
        const body = await buffer(request);
        // A body of unknown length would come in signed chunks; ours are bytes, which come as they are.
        if (request.headers["content-encoding"] !== undefined)
          throw new Error("An encoding nobody asked for.");
        objects.set(path, body);
        response.end();
        return;
      }
      const found = objects.get(path);
      if (found === undefined) {
        response.writeHead(404, { "content-type": "application/xml" });
        response.end(
          "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>",
        );
      } else response.end(found);
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    objects,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
