import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/** Debian's packages put the servers here, in a folder for each version, and not on the PATH. */
const DEBIAN_FOLDER = "/usr/lib/postgresql";

/** Debian's package makes and starts a server of the system's unless this says no; it is removed again. */
const NO_SYSTEM_SERVER = "/etc/postgresql-common/createcluster.d/tuppence-bench.conf";

const INSTALL_TIMEOUT_MS = 300_000;

/** Returns the folder of PostgreSQL's programs; as root on Debian or Ubuntu, installs them where they are missing. */
export function findOrInstallPostgres(): string {
  const found = findPostgres();
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    throw new Error(
      [
        "This benchmark measures a queue on PostgreSQL beside ours, and finds no PostgreSQL. Do one of these:",
        "  - install it: apt-get install postgresql, or brew install postgresql@17 and put its programs on the PATH",
        "  - run the benchmark as root on Debian or Ubuntu: it installs Debian's package itself",
      ].join("\n"),
    );
  }
  install();
  const installed = findPostgres();
  if (installed !== undefined) return installed;
  throw new Error(
    "apt-get has installed Debian's package postgresql, but initdb and postgres are not there.",
  );
}

function findPostgres(): string | undefined {
  const onPath = (process.env["PATH"] ?? "").split(delimiter);
  const versions = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER) : [];
  const debian = versions
    .toSorted((one, other) => Number(other) - Number(one))
    .map((version) => join(DEBIAN_FOLDER, version, "bin"));
  return [...onPath, ...debian].find((folder) =>
    ["initdb", "postgres"].every((program) => existsSync(join(folder, program))),
  );
}

function install(): void {
  console.error("PostgreSQL is not installed: installing Debian's package postgresql with apt-get.");
  mkdirSync(dirname(NO_SYSTEM_SERVER), { recursive: true });
  writeFileSync(NO_SYSTEM_SERVER, "create_main_cluster = false\n");
  try {
    aptGet("update", "-qq");
    aptGet("install", "-y", "-qq", "--no-install-recommends", "postgresql");
  } finally {
    rmSync(NO_SYSTEM_SERVER);
  }
}

function aptGet(...args: readonly string[]): void {
  const { status, signal, error } = spawnSync("/usr/bin/apt-get", args, {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    // What it writes is not for the standard output, whose last line may be JSON.
    stdio: ["ignore", 2, 2],
    timeout: INSTALL_TIMEOUT_MS,
  });
  if (status === 0) return;
  const how = signal === null ? `code ${status}` : signal;
  throw new Error(`apt-get ${args.join(" ")} ended with ${how}.`, { cause: error });
}
