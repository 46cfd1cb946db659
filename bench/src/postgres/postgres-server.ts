import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { findOrInstallPostgres } from "./find-postgres.ts";
import type { PostgresProcessSettings } from "./postgres-process.ts";

/** A PostgreSQL of this run, on this machine alone. */
export interface PostgresServer extends AsyncDisposable {
  /** Where it answers, with the password: postgres://… */
  readonly url: string;
  /** Its version and the settings that matter, for people. */
  readonly description: string;
  /** Ends it and removes its folder, within 10 s; again: does nothing. */
  readonly stop: () => Promise<void>;
}

/** What differs from PostgreSQL's own defaults, and what durability hangs on. */
const SETTINGS = {
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  shared_buffers: "256MB",
  max_connections: "300",
  // No checkpoint falls into one side's turn.
  max_wal_size: "4GB",
  checkpoint_timeout: "30min",
};

const PROGRAM = fileURLToPath(new URL("postgres-process.js", import.meta.url));
const USER = "bench";
const START_TIMEOUT_MS = 60_000;

/**
 * Starts a PostgreSQL on 127.0.0.1 and a free port, with an empty cluster in a temporary folder. Both go when this process ends,
 * however it ends: its watchdog sees its standard input close.
 */
export async function startPostgresServer(): Promise<PostgresServer> {
  const programs = findOrInstallPostgres();
  const password = randomBytes(16).toString("hex");
  const port = await freePort();
  const settings: PostgresProcessSettings = {
    programs,
    user: USER,
    password,
    serverArguments: Object.entries({ ...SETTINGS, port }).map(([name, value]) => `--${name}=${value}`),
    ...userOfServer(),
  };
  // A process group of its own: Ctrl-C in the terminal is for us.
  const child = spawn(process.execPath, [PROGRAM], { detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const gone = once(child, "close");
  const lastOutput: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    lastOutput.push(line);
    if (lastOutput.length > 40) lastOutput.shift();
  });
  const stop = async (): Promise<void> => {
    child.stdin.destroy();
    await gone;
  };
  child.stdin.write(`${JSON.stringify(settings)}\n`);
  const timeout = AbortSignal.timeout(START_TIMEOUT_MS);
  const ready = once(createInterface({ input: child.stdout }), "line", { signal: timeout });
  const answered = await Promise.race([ready.then(() => true), gone.then(() => false)]).catch(async () => {
    await stop();
    return false;
  });
  if (!answered) throw new Error(`PostgreSQL did not start. It wrote:\n${lastOutput.join("\n")}`);
  const version = execFileSync(join(programs, "postgres"), ["--version"], { encoding: "utf8" }).trim();
  const told = Object.entries(SETTINGS).map(([name, value]) => `${name} ${value}`);
  return {
    url: `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`,
    description: `${version}: ${told.join(", ")}`,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The server refuses to run as root: then it runs as the user that Debian's package made, or else as nobody. */
function userOfServer(): Pick<PostgresProcessSettings, "uid" | "gid"> {
  if (process.getuid?.() !== 0) return {};
  const idOf = (option: "-u" | "-g"): number => {
    try {
      return Number(execFileSync("id", [option, "postgres"], { encoding: "utf8", stdio: "pipe" }));
    } catch {
      return Number(execFileSync("id", [option, "nobody"], { encoding: "utf8", stdio: "pipe" }));
    }
  };
  return { uid: idOf("-u"), gid: idOf("-g") };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new TypeError(`No TCP address: ${address}`);
  return address.port;
}
