import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));

// A copy of the package without its dependencies, so that a Docker engine of this machine is not found either.
it("says what to install when there is no endpoint, no Java and no Docker", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tuppence-local-"));
  await cp(DIST, join(folder, "dist"), { recursive: true });
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  await writeFile(
    join(folder, "main.js"),
    `import { startDynamoDBLocal } from "./dist/index.js";
     await startDynamoDBLocal().catch(({ name, code, reasons, message }) => {
       console.log(JSON.stringify({ name, code, reasons, message }));
     });`,
  );
  const env = { PATH: folder, JAVA_HOME: folder, DYNAMODB_ENDPOINT: "" };
  const { stdout } = await promisify(execFile)(process.execPath, ["main.js"], { cwd: folder, env });
  const error: unknown = JSON.parse(stdout);
  expect(error).toMatchObject({
    name: "DynamoDBLocalUnavailableError",
    code: "dynamodbLocalUnavailable",
    reasons: {
      java: `there is no ${join(folder, "bin", "java")}; there is no java on the PATH`,
      docker: expect.stringContaining("the npm package testcontainers cannot be loaded"),
    },
    message: expect.stringMatching(
      /apt-get install openjdk-17-jre-headless[^]*brew install openjdk@17[^]*Docker[^]*DYNAMODB_ENDPOINT/,
    ),
  });
  await rm(folder, { recursive: true });
});
