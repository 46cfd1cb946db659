import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";

it("the program serves, and ends when it is told to", async () => {
  const main = new URL("../dist/main.js", import.meta.url).pathname;
  const child = spawn(process.execPath, [main], { env: { ...process.env, PORT: "0" }, stdio: "pipe" });
  let address = "";
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith("http")) continue;
    address = line;
    break;
  }
  const response = await fetch(`${address}/accounts/1`, {
    method: "PUT",
    headers: { "idempotency-key": "1" },
    body: JSON.stringify({ owner: "Ada" }),
  });
  expect([response.status, await response.json()]).toEqual([201, { owner: "Ada", cents: 0 }]);
  child.kill("SIGTERM");
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code).toBe(0);
});
