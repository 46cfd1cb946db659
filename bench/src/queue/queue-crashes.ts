import type { RunOptions, ScenarioResult } from "../benchmark.ts";
import { startCrew } from "../jobs/job-crew.ts";
import type { Figures } from "../measure.ts";
import type { Servers } from "../servers.ts";
import { formatFigureTable } from "../table.ts";
import type { QueueContender, StoredMessage } from "./queue-contender.ts";
import { contendersIn } from "./queue-contenders.ts";
import { queueMessages } from "./queue-messages.ts";

const MESSAGES = 300;

/** The replies of the store after which writers kill themselves, one after the other, and again from the start. */
const KILLS_AT_REPLY = [31, 48, 17, 62, 25, 40, 53, 36];

/** More are not needed: then something else is wrong than that they are killed. */
const MAX_WRITERS = 60;

/** How long a reader has to get through, in milliseconds. */
const MAX_READ_MS = 30_000;

const HEADINGS = {
  killed: "writers killed",
  holes: "holes",
  lost: "lost",
  twice: "stored twice",
  readSeconds: "then read in s",
  unread: "never read",
};

/**
 * What writers leave behind that are killed between a reply of the store and what they would do next. Each is followed by another, which
 * goes on after the last message that was acknowledged. The same in every run, so it runs once.
 */
export async function compareCrashes(
  servers: Servers,
  { tell }: RunOptions,
): Promise<readonly ScenarioResult[]> {
  const rows: { readonly name: string; readonly label: string; readonly figures: Figures }[] = [];
  for (const { name, label, ...contender } of contendersIn("crashes")) {
    const figures = await writeAndDie({ name, label, ...contender }, servers);
    rows.push({ name, label, figures });
  }
  const name = `${MESSAGES} messages one by one by writers that are killed`;
  tell(formatFigureTable({ title: name, headings: HEADINGS, rows }));
  return [
    {
      name,
      messages: MESSAGES,
      units: HEADINGS,
      ...Object.fromEntries(rows.map((row) => [row.name, row.figures])),
    },
  ];
}

async function writeAndDie(contender: QueueContender, servers: Servers): Promise<Figures> {
  await using setUp = await contender.setUp(servers, ["one"]);
  let acknowledged = 0;
  let killed = 0;
  // Every writer gets on: it is killed after more replies than a message takes.
  while (acknowledged < MESSAGES) {
    if (killed === MAX_WRITERS) throw new Error(`The writers of ${contender.label} do not get on.`);
    const killAtReply = KILLS_AT_REPLY[killed % KILLS_AT_REPLY.length] ?? Number.NaN;
    const input = { contender: contender.name, place: setUp.place, messages: MESSAGES };
    await using writer = startCrew("write", [{ ...input, from: acknowledged, killAtReply }]);
    await writer.begin();
    await writer.gone();
    acknowledged = Math.max(acknowledged, writer.reported("acknowledged"));
    if (acknowledged < MESSAGES) killed++;
  }
  await using queue = await contender.open(setUp.place);
  const stored = await queue.stored();
  return { killed, ...audit(stored), ...(await readAll(queue, new Set(stored.map(({ id }) => id)))) };
}

/** Compares what is stored to what was acknowledged: all messages, in the end. */
function audit(stored: readonly StoredMessage[]): Figures {
  const ids = new Set(stored.map(({ id }) => id));
  const positions = stored.map(({ position }) => position ?? Number.NaN);
  return {
    holes: Math.max(...positions) - stored.length,
    lost: queueMessages(MESSAGES).filter(({ id }) => !ids.has(id)).length,
    twice: stored.length - ids.size,
  };
}

/** How long a reader takes to see each message. */
async function readAll(
  queue: Awaited<ReturnType<QueueContender["open"]>>,
  unread: Set<string>,
): Promise<Figures> {
  const done = new AbortController();
  const beganAt = performance.now();
  let lastAt = beganAt;
  await queue.consume({
    group: "one",
    members: 1,
    signal: AbortSignal.any([done.signal, AbortSignal.timeout(MAX_READ_MS)]),
    onMessage({ id }) {
      if (unread.delete(id)) lastAt = performance.now();
      if (unread.size === 0) done.abort();
    },
  });
  return { readSeconds: (lastAt - beganAt) / 1_000, unread: unread.size };
}
