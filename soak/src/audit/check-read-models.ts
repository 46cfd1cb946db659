import { isDeepStrictEqual } from "node:util";
import { paginateScan } from "@aws-sdk/client-dynamodb";
import type { RecordedEvent } from "@tuppence/core";
import type { DocumentProjection } from "@tuppence/projections";
import { type AccountData, signOf } from "../accounts.ts";
import { Journal } from "../journal.ts";
import { EFFECTS_TABLE, type OpenPlace } from "../place.ts";
import {
  type Balance,
  balances,
  type Flow,
  flows,
  ledgerKey,
  type Notice,
  NOTICES_JOURNAL,
} from "../read-models.ts";
import type { Problems } from "./problems.ts";

/** What the read models have to hold, told another way: straight from the streams. */
interface Expected {
  readonly balances: Map<string, Balance>;
  readonly flows: Map<string, Flow>;
  readonly ledger: Map<string, { readonly events: number; readonly cents: number }>;
  /** The versions, by stream. */
  readonly notices: Map<string, readonly number[]>;
}

/** Holds the live builds against the streams. Answers how many documents and reactions there are. */
export async function checkReadModels(
  place: OpenPlace,
  streams: ReadonlyMap<string, readonly RecordedEvent[]>,
  problems: Problems,
): Promise<{ readonly documents: number; readonly builds: number; readonly notices: number }> {
  const expected = expectedOf(streams);
  let builds = 0;
  for (const { name, live, next, logEnd } of await place.projections.status()) {
    builds += live.number;
    if (live.position < logEnd || next !== undefined)
      problems.add("position behind", `${name} is at ${live.position} of ${logEnd}`);
    if (live.parked > 0) problems.add("parked", `${name} has ${live.parked} events parked`);
    if (name === "ledger") await checkLedger(place, { build: live.number, expected }, problems);
  }
  const documents = [
    await checkDocuments(place, { projection: balances, expected: expected.balances }, problems),
    await checkDocuments(place, { projection: flows, expected: expected.flows }, problems),
  ];
  const notices = checkNotices(
    new Journal<Notice>(place.folder, NOTICES_JOURNAL).read(),
    expected.notices,
    problems,
  );
  return { documents: sum(documents), builds, notices };
}

function expectedOf(streams: ReadonlyMap<string, readonly RecordedEvent[]>): Expected {
  const expected: Expected = { balances: new Map(), flows: new Map(), ledger: new Map(), notices: new Map() };
  for (const [streamId, events] of streams) {
    if (!streamId.startsWith("account|") || events.length === 0) continue;
    const versions = events.map(({ version }) => version);
    const signed = events.map(({ type, data }) => signOf(type) * (data as AccountData).cents);
    const cents = events.map(({ data }) => (data as AccountData).cents);
    expected.balances.set(streamId, { versions, cents: sum(signed) });
    expected.ledger.set(streamId, { events: events.length, cents: sum(cents) });
    const withdrawn = events.filter(({ type }) => type === "Withdrawn");
    expected.notices.set(
      streamId,
      withdrawn.map(({ version }) => version),
    );
    for (const { type, data } of events) {
      if (type !== "Sent") continue;
      const { to = "", cents: moved } = data as AccountData;
      const flow = (key: string): Flow => expected.flows.get(key) ?? { sent: 0, received: 0 };
      const from = flow(streamId);
      expected.flows.set(streamId, { ...from, sent: from.sent + moved });
      expected.flows.set(to, { ...flow(to), received: flow(to).received + moved });
    }
  }
  return expected;
}

async function checkDocuments<State>(
  { projections }: OpenPlace,
  { projection, expected }: { projection: DocumentProjection<State>; expected: ReadonlyMap<string, State> },
  problems: Problems,
): Promise<number> {
  const left = new Map(expected);
  let count = 0;
  for await (const { key, document } of projections.documents(projection).list({ consistency: "strong" })) {
    count++;
    const wanted = left.get(key);
    left.delete(key);
    if (!isDeepStrictEqual(document, wanted))
      problems.add("document wrong", `${projection.name} ${key} is ${JSON.stringify(document)}`);
  }
  for (const key of left.keys()) problems.add("document wrong", `${projection.name} ${key} is not there`);
  return count;
}

async function checkLedger(
  { client }: OpenPlace,
  { build, expected }: { readonly build: number; readonly expected: Expected },
  problems: Problems,
): Promise<void> {
  const held = new Map<string, { readonly events: number; readonly cents: number }>();
  const scan = { TableName: EFFECTS_TABLE, ConsistentRead: true };
  for await (const { Items = [] } of paginateScan({ client }, scan)) {
    for (const { p, events, cents } of Items)
      held.set(p?.S ?? "", { events: Number(events?.N), cents: Number(cents?.N) });
  }
  for (const [streamId, sums] of expected.ledger) {
    const own = held.get(ledgerKey(build, streamId));
    if (!isDeepStrictEqual(own, sums)) {
      problems.add("counter wrong", `${streamId} has ${JSON.stringify(own)}, not ${JSON.stringify(sums)}`);
    }
  }
}

/** Each at least once, and each stream's for the first time in order. Answers how many there are, repeated ones too. */
function checkNotices(notices: readonly Notice[], expected: Expected["notices"], problems: Problems): number {
  const first = new Map<string, number[]>();
  for (const { streamId, version } of notices) {
    const own = first.get(streamId) ?? [];
    if (!own.includes(version)) first.set(streamId, [...own, version]);
  }
  for (const [streamId, versions] of expected) {
    const own = first.get(streamId) ?? [];
    if (!isDeepStrictEqual(own, versions))
      problems.add("reaction missing", `${streamId}: ${own.join(" ")}, not ${versions.join(" ")}`);
  }
  return notices.length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
