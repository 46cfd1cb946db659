import { beforeAll, describe, expect, it } from "vitest";
import { type Case, createTables, FAULTS, runCase } from "./crash-everywhere.ts";
import { OPERATIONS, type Operation } from "./crash-operations.ts";

/** Everything that a store does, interrupted at each of its requests, on a real DynamoDB Local. */

beforeAll(createTables);

const KINDS = Object.keys(FAULTS) as (keyof typeof FAULTS)[];

const ALONE = { lean: false, rival: false };
const WITH_RIVAL = { lean: true, rival: true };

/** More requests than any operation has, with its retries. */
const MANY = 50;

/** Meets a fault at the first request, the second and so on, until the operation runs through without it. */
async function interruptEverywhere(
  name: string,
  setting: Omit<Case, "at">,
): Promise<{ readonly places: number; readonly problems: readonly string[] }> {
  const problems: string[] = [];
  const how = `${setting.lean ? "lean" : "SDK"}${setting.rival ? ", with a rival" : ""}`;
  for (let at = 1; at < MANY; at++) {
    const label = `${name}, request ${at}: ${setting.fault} (${how})`;
    const verdict = await runCase({ ...setting, at });
    problems.push(...verdict.problems.map((problem) => `${label}: ${problem}`));
    if (!verdict.met) return { places: at - 1, problems };
  }
  throw new Error(`${name} does not end.`);
}

describe.each(Object.entries(OPERATIONS))("%s", (name, operation) => {
  it.each(KINDS)("%s: nothing lost, doubled or half done", async (fault) => {
    // A process that goes on leaves nobody the time.
    const ways = FAULTS[fault].crashes ? [ALONE, WITH_RIVAL] : [ALONE];
    for (const way of ways) {
      const { places, problems } = await interruptEverywhere(name, { operation, fault, ...way });
      expect(problems).toEqual([]);
      expect(places).toBe(operation.requests);
    }
  });
});

describe("notices when own commits are not recognised", () => {
  const needing = Object.entries(OPERATIONS).filter(([, { findsOwn = true }]) => findsOwn);

  it.each(needing)("%s", async (name, operation: Operation) => {
    const fault = "a crash after it was carried out";
    const guards = { findOwn: () => undefined };
    const setting = { operation, fault, lean: true, rival: false, guards } as const;
    expect((await interruptEverywhere(name, setting)).problems).not.toEqual([]);
  });
});
