import type { IncomingMessage } from "node:http";

/** Reads a request's body; of one that is too large, everything is read and nothing kept. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | "tooLarge"> {
  let chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) chunks = [];
    else chunks.push(chunk);
  }
  return bytes > maxBytes ? "tooLarge" : Buffer.concat(chunks);
}
