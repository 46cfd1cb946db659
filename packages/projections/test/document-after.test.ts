import { expect, it } from "vitest";
import { documentAfter, holdsEvent, NO_DOCUMENT } from "../src/documents/document.ts";

const at = (streamId: string, position: number) => ({ streamId, position });

it("does not claim what was behind a parked event, in a document that is ahead of its slot", () => {
  // Put up to 33 while "s" was parked; the process died before it stored its position, or that s@32 is behind.
  const parked = new Set(["s"]);
  const ahead = documentAfter(NO_DOCUMENT, { state: "1", events: [at("t", 33)], parked });
  // The next owner begins below 32. It handles what is parked of "s", and then that of another stream.
  const replayed = documentAfter(ahead, { state: "2", events: [at("s", 26)], parked });
  const other = documentAfter(replayed, { state: "3", events: [at("u", 4)], parked: new Set(["u"]) });
  expect(holdsEvent(other, at("s", 26))).toBe(true);
  expect(holdsEvent(other, at("s", 32))).toBe(false);
  // When it has caught up with "s", there is nothing left to say of it.
  const caughtUp = documentAfter(other, { state: "4", events: [at("s", 32)], parked: new Set() });
  expect(holdsEvent(caughtUp, at("s", 32))).toBe(true);
  expect(holdsEvent(caughtUp, at("s", 33))).toBe(false);
  const beyond = documentAfter(caughtUp, { state: "5", events: [at("t", 34)], parked: new Set() });
  expect(beyond).toEqual({ state: "5", position: 34, revision: 5, streams: new Map() });
});
