import type { EventStore, NewEvent } from "@tuppence/core";

/** What happens to a town's permits, at random. */

const DISTRICTS = ["Aegina", "Blaine", "Cordoba", "Dover", "Elgin"];
const APPLICANTS = Array.from({ length: 30 }, (_, number) => `applicant-${number}`);
const WRITERS = 8;

export interface PermitTraffic {
  /** Events at least. */
  readonly events: number;
  readonly permits: number;
  readonly random: () => number;
}

/** Appends events by several writers at once. */
export async function writePermits(
  store: EventStore,
  { events, permits, random }: PermitTraffic,
): Promise<void> {
  let left = events;
  const pick = <T>(from: readonly T[]): T => from.at(Math.floor(random() * from.length)) as T;
  const writers = Array.from({ length: WRITERS }, async () => {
    while (left > 0) {
      const number = Math.floor(random() * permits);
      const some = Array.from({ length: 1 + Math.floor(random() * 8) }, () => permitEvent(number, pick));
      left -= some.length;
      // What other projections are not about.
      const streamId = random() < 0.05 ? `complaint|${number}` : `permit|${number}`;
      await store.append(streamId, some);
    }
  });
  await Promise.all(writers);
}

function permitEvent(number: number, pick: <T>(from: readonly T[]) => T): NewEvent {
  const district = DISTRICTS.at(number % DISTRICTS.length) as string;
  const type = pick([
    "PermitRequested",
    "FeePaid",
    "FeePaid",
    "InspectionDone",
    "PermitTransferred",
    "PermitGranted",
    "PermitWithdrawn",
  ]);
  switch (type) {
    case "PermitRequested":
      return { type, data: { district, applicant: pick(APPLICANTS) } };
    case "FeePaid":
      return { type, data: { district, amount: pick([12, 55, 250]) } };
    case "PermitTransferred":
      return { type, data: { district, from: pick(APPLICANTS), to: pick(APPLICANTS) } };
    default:
      return { type, data: { district, remark: "as the town's rules of 2019 say, §12" } };
  }
}
