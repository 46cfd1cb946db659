import { SYSTEM_RUNTIME } from "@tuppence/core";
import { describe, expect, it } from "vitest";
import { FailedAttemptsError, SlotEndedError, tryUntilDone } from "../src/run/failure.ts";

describe("what fails while its slot ends", () => {
  const abortError = Object.assign(new Error("Request aborted"), { name: "AbortError" });
  const failing = (ending: AbortController, isEnding: boolean) =>
    tryUntilDone({ runtime: SYSTEM_RUNTIME, ending: ending.signal, maxAttempts: 1 }, () => {
      if (isEnding) ending.abort();
      throw abortError;
    });

  it("ends it, and does not count as a failure: the worker may take the slot again at once", async () => {
    const ended = failing(new AbortController(), true);
    await expect(ended).rejects.toThrow(SlotEndedError);
    await expect(ended).rejects.toMatchObject({ cause: abortError });
  });

  it("is a failure where nothing ends", async () => {
    await expect(failing(new AbortController(), false)).rejects.toThrow(FailedAttemptsError);
  });
});
