import { describe, expect, it } from "vitest";
import { SharedRuns } from "../src/minutes/shared-runs.ts";

/** Work whose runs end when they are told to. */
function gatedWork(): { readonly work: () => Promise<void>; readonly gates: Gate[] } {
  const gates: Gate[] = [];
  const work = (): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      gates.push({ resolve, reject });
    });
  return { work, gates };
}

interface Gate {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

describe("runs that are shared", () => {
  it("are one for all who asked before it began, and never for who asked after that", async () => {
    const runs = new SharedRuns();
    const { work, gates } = gatedWork();
    const ended: string[] = [];
    const ask = (name: string): Promise<unknown> => runs.run("minute", work).then(() => ended.push(name));
    const first = ask("first");
    const others = [ask("second"), ask("third")];
    expect(gates.length).toBe(1);
    gates[0]?.resolve();
    await first;
    expect(ended).toEqual(["first"]);
    await expect.poll(() => gates.length).toBe(2);
    const last = ask("last");
    gates[1]?.resolve();
    await Promise.all(others);
    expect(ended).toEqual(["first", "second", "third"]);
    await expect.poll(() => gates.length).toBe(3);
    gates[2]?.resolve();
    await last;
    const again = ask("again");
    expect(gates.length).toBe(4);
    gates[3]?.resolve();
    await again;
  });

  it("of other keys are others", async () => {
    const runs = new SharedRuns();
    const { work, gates } = gatedWork();
    const both = [runs.run("one", work), runs.run("other", work)];
    expect(gates.length).toBe(2);
    for (const gate of gates) gate.resolve();
    await Promise.all(both);
  });

  it("that fail fail for those alone who share them", async () => {
    const runs = new SharedRuns();
    const { work, gates } = gatedWork();
    const first = runs.run("minute", work);
    const second = runs.run("minute", work);
    gates[0]?.reject(new Error("no reply"));
    await expect(first).rejects.toThrow("no reply");
    await expect.poll(() => gates.length).toBe(2);
    gates[1]?.resolve();
    await expect(second).resolves.toBeUndefined();
  });
});
