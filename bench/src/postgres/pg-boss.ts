import PgBoss from "pg-boss";
import type { PostgresServer } from "./postgres-server.ts";

/** Where a pg-boss has its tables; JSON, for other processes. */
export interface PgBossPlace extends AsyncDisposable {
  readonly place: string;
}

interface PgBossSettings {
  readonly url: string;
  readonly schema: string;
  readonly queues: readonly string[];
}

export interface OpenPgBoss extends Omit<PgBossSettings, "url">, AsyncDisposable {
  readonly boss: PgBoss;
}

export interface OpenPgBossOptions {
  /** Called after each reply of the server. */
  readonly onReply?: (() => void) | undefined;
  /** With "off", what is acknowledged in the last moments before a crash of the server may be lost. Default: "on". */
  readonly synchronousCommit?: "on" | "off" | undefined;
}

/** How many statements a process has under way: as many as calls wait. With 8 it took in half as many messages a second. */
const CONNECTIONS = 64;

/** What idle connections are told when the run is over. https://www.postgresql.org/docs/15/errcodes-appendix.html */
const ADMIN_SHUTDOWN = "57P01";

let schemas = 0;

/** Makes pg-boss's tables in a schema of their own, empty but for these queues; they go when it is disposed of. */
export async function setUpPgBoss({ url }: PostgresServer, queues: readonly string[]): Promise<PgBossPlace> {
  const schema = `bench_${schemas++}`;
  const settings: PgBossSettings = { url, schema, queues };
  const boss = connect(settings, { migrate: true });
  await boss.start();
  for (const queue of queues) await boss.createQueue(queue);
  return {
    place: JSON.stringify(settings),
    async [Symbol.asyncDispose]() {
      await boss.getDb().executeSql(`DROP SCHEMA ${schema} CASCADE`, []);
      await stop(boss);
    },
  };
}

export async function openPgBoss(place: string, options: OpenPgBossOptions = {}): Promise<OpenPgBoss> {
  const settings = JSON.parse(place) as PgBossSettings;
  const boss = connect(settings, options);
  await boss.start();
  const { onReply } = options;
  if (onReply !== undefined) {
    const db = boss.getDb();
    const execute = db.executeSql.bind(db);
    db.executeSql = async (text, values) => {
      const result = await execute(text, values);
      onReply();
      return result;
    };
  }
  return { ...settings, boss, [Symbol.asyncDispose]: () => stop(boss) };
}

/** Ends it without waiting for anything. */
async function stop(boss: PgBoss): Promise<void> {
  await boss.stop({ graceful: false, wait: true });
}

/** Its maintenance and its cron are off: they would only disturb it here. */
function connect(
  { url, schema }: PgBossSettings,
  { synchronousCommit = "on", migrate = false }: OpenPgBossOptions & { readonly migrate?: boolean },
): PgBoss {
  const boss = new PgBoss({
    connectionString: `${url}?options=${encodeURIComponent(`-c synchronous_commit=${synchronousCommit}`)}`,
    schema,
    max: CONNECTIONS,
    migrate,
    supervise: false,
    schedule: false,
  });
  boss.on("error", (error) => {
    if (!("code" in error) || error.code !== ADMIN_SHUTDOWN) console.error(error);
  });
  return boss;
}
