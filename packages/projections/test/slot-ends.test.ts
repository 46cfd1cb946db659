import { SYSTEM_RUNTIME } from "@tuppence/core";
import { createMemoryEventStore } from "@tuppence/core/memory";
import { describe, expect, it, vi } from "vitest";
import { createMemoryProjectionStorage, createProjectionWorker, defineProjection } from "../src/index.ts";
import { GivenUpError, WorkEndedError, tryUntilDone } from "@tuppence/core/failures";

describe("what fails while its slot ends", () => {
  const abortError = Object.assign(new Error("Request aborted"), { name: "AbortError" });
  const failing = (ending: AbortController, isEnding: boolean) =>
    tryUntilDone({ runtime: SYSTEM_RUNTIME, ending: ending.signal, maxAttempts: 1 }, () => {
      if (isEnding) ending.abort();
      throw abortError;
    });

  it("ends it, and does not count as a failure: the worker may take the slot again at once", async () => {
    const ended = failing(new AbortController(), true);
    await expect(ended).rejects.toThrow(WorkEndedError);
    await expect(ended).rejects.toMatchObject({ cause: abortError });
  });

  it("is a failure where nothing ends", async () => {
    await expect(failing(new AbortController(), false)).rejects.toThrow(GivenUpError);
  });
});

it("a slot that halts has not caught up, though the log was read to its end", async () => {
  const store = createMemoryEventStore();
  let isBroken = true;
  const strict = defineProjection({
    name: "strict",
    version: 1,
    onFailure: "halt",
    key: ({ streamId }) => streamId,
    initialState: () => 0,
    evolve(count, { type }) {
      if (isBroken && type === "Poison") throw new Error("not yet");
      return count + 1;
    },
  });
  for (const type of ["Fine", "Poison"]) await store.append("permit|1", [{ type, data: {} }]);
  const said: string[] = [];
  await using worker = createProjectionWorker({
    storage: createMemoryProjectionStorage(),
    store,
    projections: [strict],
    leaseDurationMs: 1_000,
    pollIntervalMs: 10,
    onEvent: ({ type }) => said.push(type),
  });
  worker.start();
  await vi.waitFor(() => expect(said.filter((type) => type === "halted").length).toBe(2), {
    timeout: 30_000,
  });
  expect(said).not.toContain("caughtUp");
  isBroken = false;
  await worker.reached();
  await vi.waitFor(() => expect(said).toContain("caughtUp"), { timeout: 30_000 });
});
