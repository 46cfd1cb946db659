import { join } from "node:path";
import { type DynamoDBLocal, startDynamoDBLocal } from "@tuppence/local";
import { wholeNumber } from "./random.ts";

/** Below what systems give to those who ask for any port: nobody takes it while the server is away. */
const PORTS = { least: 20_000, most: 32_000 };

/** A DynamoDB Local that keeps its data in a folder, so that it can be killed and goes on where it was. */
export class Database {
  readonly #options: { readonly dataDir: string; readonly port: number };
  #server: DynamoDBLocal;

  private constructor(options: { readonly dataDir: string; readonly port: number }, server: DynamoDBLocal) {
    this.#options = options;
    this.#server = server;
  }

  static async start(folder: string): Promise<Database> {
    const port = wholeNumber(Math.random, PORTS.least, PORTS.most);
    const options = { dataDir: join(folder, "dynamodb"), port };
    return new Database(options, await startServer(options));
  }

  clientConfig(): ReturnType<DynamoDBLocal["clientConfig"]> {
    return this.#server.clientConfig("soak");
  }

  /** Kills it in the middle of whatever it does. */
  async kill(): Promise<void> {
    await this.#server.kill();
  }

  /** Starts another one in the place of the one that was killed. */
  async restart(): Promise<void> {
    this.#server = await startServer(this.#options);
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }
}

async function startServer(options: {
  readonly dataDir: string;
  readonly port: number;
}): Promise<DynamoDBLocal> {
  const server = await startDynamoDBLocal({ ...options, log: false, startTimeoutMs: 60_000 });
  if (server.source === "endpoint")
    throw new Error("The soak kills its database: unset DYNAMODB_ENDPOINT, and let it start one.");
  return server;
}
