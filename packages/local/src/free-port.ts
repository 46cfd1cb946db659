import { once } from "node:events";
import { createServer } from "node:net";

/** Returns a TCP port that nothing listened on a moment ago, on any of this machine's addresses. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new TypeError(`No TCP address: ${address}`);
  return address.port;
}
