import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LeaseView, nextAction } from "../src/leases/next-action.ts";
import { rendezvousOwner } from "../src/leases/rendezvous.ts";
import { Sightings } from "../src/leases/sightings.ts";

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 8 });

describe("rendezvousOwner", () => {
  it("is one of the members, whatever their order", () => {
    fc.assert(
      fc.property(names, fc.string(), (members, resource) => {
        const owner = rendezvousOwner(resource, members);
        expect(members).toContain(owner);
        expect(rendezvousOwner(resource, members.toReversed())).toBe(owner);
      }),
    );
    expect(rendezvousOwner("r", [])).toBeUndefined();
  });

  it("moves nothing but the resources of the member that goes", () => {
    fc.assert(
      fc.property(names, fc.string(), fc.nat(), (members, resource, index) => {
        const gone = members[index % members.length] ?? "";
        const owner = rendezvousOwner(resource, members);
        const rest = members.filter((member) => member !== gone);
        if (owner !== gone) expect(rendezvousOwner(resource, rest)).toBe(owner);
      }),
    );
  });

  it("spreads many resources evenly", () => {
    const counts = new Map<string | undefined, number>();
    for (let index = 0; index < 1_000; index++) {
      const owner = rendezvousOwner(`shard-${index}`, ["a", "b", "c", "d"]);
      counts.set(owner, (counts.get(owner) ?? 0) + 1);
    }
    for (const count of counts.values()) expect(Math.abs(count - 250)).toBeLessThan(50);
  });
});

describe("nextAction", () => {
  const stored = {
    owner: "other",
    epoch: 3,
    beat: 9,
    position: "p",
    durationMs: 5_000,
    wanted: undefined,
  };
  const view: LeaseView = {
    stored,
    unchangedMs: 0,
    me: "me",
    rendezvous: "me",
    members: new Set(["me", "other"]),
    handedOver: false,
    durationMs: 1_000,
  };
  const free = { ...stored, owner: undefined };
  const cases: readonly [string, Partial<LeaseView>, ReturnType<typeof nextAction>][] = [
    ["mine to be, not there yet", { stored: undefined }, "claim"],
    ["mine to be, free", { stored: free }, "claim"],
    ["mine to be, under my own name", { stored: { ...stored, owner: "me" } }, "claim"],
    ["mine to be, held by a live member", {}, "ask"],
    ["mine to be, asked for", { stored: { ...stored, wanted: "me" } }, "wait"],
    ["mine to be, asked for by another", { stored: { ...stored, wanted: "third" } }, "ask"],
    ["mine to be, held by a dead member", { members: new Set(["me"]) }, "wait"],
    ["mine to be, unchanged for less than the item says", { unchangedMs: 4_999 }, "ask"],
    ["mine to be, over", { unchangedMs: 5_000 }, "claim"],
    ["mine to be, free, just handed over", { stored: free, handedOver: true }, "wait"],
    [
      "mine to be, free, handed over and not taken",
      { stored: free, handedOver: true, unchangedMs: 5_000 },
      "claim",
    ],
    ["not mine to be, held", { rendezvous: "other" }, "wait"],
    ["not mine to be, over", { rendezvous: "third", unchangedMs: 5_000 }, "wait"],
    ["not mine to be, over for as long again", { rendezvous: "third", unchangedMs: 10_000 }, "claim"],
    ["not mine to be, free", { rendezvous: "other", stored: free, unchangedMs: 4_999 }, "wait"],
    ["not mine to be, free for long", { rendezvous: "other", stored: free, unchangedMs: 5_000 }, "claim"],
    ["not mine to be, not there", { rendezvous: "other", stored: undefined, unchangedMs: 999 }, "wait"],
    [
      "not mine to be, not there for long",
      { rendezvous: "other", stored: undefined, unchangedMs: 1_000 },
      "claim",
    ],
  ];
  it.each(cases)("%s", (_, changed, action) => {
    expect(nextAction({ ...view, ...changed })).toBe(action);
  });
});

describe("Sightings", () => {
  it("count from the first sight of what is there still, and of what is not", () => {
    const sightings = new Sightings<number>((one, other) => one === other);
    sightings.look(new Map([["a", 1]]), ["b"], 10);
    sightings.look(new Map([["a", 1]]), ["b"], 20);
    expect(sightings.get("a")).toEqual({ state: 1, since: 10 });
    expect(sightings.get("b")).toEqual({ state: undefined, since: 10 });
    sightings.look(
      new Map([
        ["a", 2],
        ["b", 5],
      ]),
      [],
      30,
    );
    expect(sightings.get("a")).toEqual({ state: 2, since: 30 });
    expect(sightings.get("b")).toEqual({ state: 5, since: 30 });
    sightings.look(new Map(), ["a"], 40);
    expect(sightings.get("a")).toEqual({ state: undefined, since: 40 });
    expect(sightings.get("b")).toBeUndefined();
  });
});
