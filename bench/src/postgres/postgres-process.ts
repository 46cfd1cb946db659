/**
 * The watchdog of a PostgreSQL server, a program of its own. It reads its settings from the first line of its standard
 * input, makes a cluster, runs the server, and writes a line when it answers. When its standard input closes, it
 * ends the server and removes the cluster: the kernel closes that pipe however the benchmark ends, by SIGKILL too.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface PostgresProcessSettings {
  /** The folder of initdb and postgres. */
  readonly programs: string;
  readonly user: string;
  readonly password: string;
  readonly serverArguments: readonly string[];
  /** Who they run as; default: as we do. */
  readonly uid?: number;
  readonly gid?: number;
}

/** How long the server has to end by itself. */
const GRACE_MS = 5_000;

const endAsked = once(process.stdin, "close");
// Nobody listens any more once the benchmark is gone; what there is to remove is removed all the same.
for (const output of [process.stdout, process.stderr]) output.on("error", () => process.stdin.destroy());
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.stdin.destroy());
const input = createInterface({ input: process.stdin });
const [line] = (await Promise.race([once(input, "line"), endAsked])) as string[];
const folder = await mkdtemp(join(tmpdir(), "tuppence-bench-postgres-"));
try {
  if (line !== undefined) await serve(JSON.parse(line) as PostgresProcessSettings);
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.stdin.destroy();

async function serve(settings: PostgresProcessSettings): Promise<void> {
  const { user, password, serverArguments, uid, gid } = settings;
  const passwordFile = join(folder, "password");
  const data = join(folder, "data");
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (uid !== undefined && gid !== undefined) {
    await chown(folder, uid, gid);
    await chown(passwordFile, uid, gid);
  }
  const initialised = run(settings, "initdb", [
    `--pgdata=${data}`,
    `--username=${user}`,
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
  ]);
  if ((await untilEnd(initialised)) !== 0) return;
  const server = run(settings, "postgres", [
    "-D",
    data,
    "--listen_addresses=127.0.0.1",
    "--unix_socket_directories=",
    ...serverArguments,
  ]);
  if (server.stderr !== null) {
    createInterface({ input: server.stderr }).on("line", (text) => {
      if (text.includes("ready to accept connections")) console.log("ready");
    });
  }
  await untilEnd(server);
}

function run(
  { programs, uid, gid }: PostgresProcessSettings,
  program: string,
  args: readonly string[],
): ChildProcess {
  const child = spawn(join(programs, program), args, {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" },
    ...(uid === undefined || gid === undefined ? {} : { uid, gid }),
  });
  child.stderr?.pipe(process.stderr);
  return child;
}

/** Waits until it has ended, or ends it when that is asked for; its exit code. */
async function untilEnd(child: ChildProcess): Promise<number | null> {
  const ended = once(child, "exit");
  await Promise.race([ended, endAsked]);
  // The fast shutdown: it breaks off what is under way.
  child.kill("SIGINT");
  const kill = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  const [code] = (await ended) as [number | null];
  clearTimeout(kill);
  return code;
}
