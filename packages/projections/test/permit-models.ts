import { type DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import type { LoggedEvent } from "@tuppence/core";
import { documentsOf } from "../src/builds/names.ts";
import type { Registration } from "../src/builds/registration.ts";
import type { ProjectionStorage } from "../src/storage/projection-storage.ts";

/** What the projections of `permit-projections.mjs` have to hold, told another way: straight from the log. */

export type Model = Record<string, unknown>;

interface PermitData {
  readonly district: string;
  readonly applicant?: string;
  readonly from?: string;
  readonly to?: string;
  readonly amount?: number;
  readonly corrupt?: true;
}

type Logged = LoggedEvent;

export interface PermitModels {
  readonly files: Model;
  readonly districts: Model;
  readonly holders: Model;
  readonly ledger: Model;
}

/** The read models after all of a log, and where its parked events are. */
export function foldPermits(log: readonly Logged[]): PermitModels & { readonly parked: readonly number[] } {
  const files = new Map<string, { versions: number[]; paid: number }>();
  const districts: Record<string, string[]> = {};
  const holders: Record<string, number> = {};
  const ledger: Record<string, { payments: number; amount: number }> = {};
  const corrupt = new Set<string>();
  const parked: number[] = [];
  for (const { streamId, version, type, data: anyData, position } of log) {
    if (!streamId.startsWith("permit|")) continue;
    const data = anyData as PermitData;
    if (data.corrupt) corrupt.add(streamId);
    if (corrupt.has(streamId)) parked.push(position);
    else if (type === "PermitWithdrawn") files.delete(streamId);
    else {
      const file = files.get(streamId) ?? { versions: [], paid: 0 };
      file.versions.push(version);
      file.paid += data.amount ?? 0;
      files.set(streamId, file);
    }
    (districts[data.district] ??= []).push(`${streamId}/${version}`);
    const move = (holder: string | undefined, count: number): void => {
      if (holder !== undefined) holders[holder] = (holders[holder] ?? 0) + count;
    };
    if (type === "PermitRequested") move(data.applicant, 1);
    if (type === "PermitTransferred") {
      move(data.from, -1);
      move(data.to, 1);
    }
    if (type === "FeePaid") {
      const sums = (ledger[data.district] ??= { payments: 0, amount: 0 });
      sums.payments += 1;
      sums.amount += data.amount ?? 0;
    }
  }
  return { files: Object.fromEntries(files), districts, holders, ledger, parked };
}

/** The documents of a build, by key. */
export async function readDocuments(
  storage: ProjectionStorage,
  { name, live }: Pick<Registration, "name" | "live">,
): Promise<Model> {
  const documents: Model = {};
  for (let slot = 0; slot < live.slots; slot++) {
    const place = documentsOf(name, live.number, slot);
    const page = await storage.documents.list(place, { consistency: "strong", limit: 1_000 });
    for (const [key, { state }] of page.documents) {
      if (state !== undefined) documents[key] = JSON.parse(state);
    }
  }
  return documents;
}

/** The counters of a build of the ledger, by district. */
export async function readLedger(
  { client, ledgerTable }: { readonly client: DynamoDBClient; readonly ledgerTable: string },
  build: number,
): Promise<Model> {
  const { Items = [] } = await client.send(new ScanCommand({ TableName: ledgerTable, ConsistentRead: true }));
  const own = Items.flatMap((item): [string, unknown][] => {
    const [of, district = ""] = String(item["p"]?.S).split("|");
    const sums = { payments: Number(item["payments"]?.N), amount: Number(item["amount"]?.N) };
    return Number(of) === build ? [[district, sums]] : [];
  });
  return Object.fromEntries(own);
}

/** What is wrong with the letters that were written, nothing if nothing is: the first of each kind. */
export function problemsOfLetters(lines: readonly string[], log: readonly Logged[]): readonly string[] {
  const wanted = log.filter(
    ({ type, streamId }) => ["PermitGranted", "FeePaid"].includes(type) && streamId.startsWith("permit|"),
  );
  const line = ({ eventId, streamId, version }: Logged): string =>
    `letters/${eventId} ${streamId} ${version}`;
  const written = new Set(lines);
  const problems: string[] = [];
  const missing = wanted.filter((event) => !written.has(line(event)));
  if (missing[0]) problems.push(`${missing.length} letters were never written, e.g. ${line(missing[0])}`);
  const known = new Set(wanted.map(line));
  const unknown = lines.find((each) => !known.has(each));
  if (unknown !== undefined) problems.push(`nobody asked for ${unknown}`);
  const versions = new Map<string, number>();
  for (const each of written) {
    const [, streamId = "", version] = each.split(" ");
    if (Number(version) < (versions.get(streamId) ?? 0)) {
      problems.push(`${each} came after version ${versions.get(streamId)}`);
      break;
    }
    versions.set(streamId, Number(version));
  }
  return problems;
}
