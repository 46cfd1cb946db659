import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { LinkedAbort } from "../src/linked-abort.ts";

describe("a linked signal", () => {
  it("is aborted with the first of its sources, for its reason", () => {
    const [one, other] = [new AbortController(), new AbortController()];
    using linked = new LinkedAbort(one.signal, undefined, other.signal);
    expect(linked.signal.aborted).toBe(false);
    other.abort("other");
    one.abort("one");
    expect(linked.signal.aborted).toBe(true);
    expect(linked.signal.reason).toBe("other");
  });

  it("is aborted from the start where a source is", () => {
    using linked = new LinkedAbort(new AbortController().signal, AbortSignal.abort("before"));
    expect(linked.signal.reason).toBe("before");
  });

  it("is aborted by itself, which its sources don't see", () => {
    const source = new AbortController();
    using linked = new LinkedAbort(source.signal);
    linked.abort("own");
    expect(linked.signal.reason).toBe("own");
    expect(source.signal.aborted).toBe(false);
  });

  it("leaves nothing with its sources when it is disposed of", () => {
    const source = new AbortController();
    let linked: LinkedAbort;
    {
      using link = new LinkedAbort(source.signal);
      linked = link;
      expect(getEventListeners(source.signal, "abort")).toHaveLength(1);
    }
    expect(getEventListeners(source.signal, "abort")).toHaveLength(0);
    source.abort();
    expect(linked.signal.aborted).toBe(false);
  });
});
