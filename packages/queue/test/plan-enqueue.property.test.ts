import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { answerCalls } from "../src/enqueue/answer-calls.ts";
import { planEnqueue } from "../src/enqueue/plan-enqueue.ts";

/** Plans of groups, held against a plain queue that takes the same calls one by one. */

const RUNS = Number(process.env["HISTORIES"] ?? 1_000);
const FIRST = 101;
const capacity = { requests: 1, readUnits: 0, writeUnits: 1 };

const message = fc.record({ id: fc.option(fc.constantFrom("a", "b", "c", "d"), { nil: undefined }) });
const call = fc.record({
  messages: fc.array(message, { minLength: 1, maxLength: 4 }),
  sequence: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
});

/** What has been written, in order: of each message its id and its producer's sequence. */
function takeOneByOne(
  calls: readonly {
    readonly messages: readonly { readonly id?: string | undefined }[];
    readonly sequence?: number | undefined;
  }[],
  { known, last }: { readonly known: ReadonlyMap<string, number>; readonly last: number },
): { readonly written: string[]; readonly answers: (string | number[])[] } {
  const ids = new Map<string, number>();
  const sequences = new Map<number, number>();
  const written: string[] = [];
  const answers = calls.map(({ messages, sequence }) => {
    if (sequence !== undefined && sequence > last + written.length + 1) return "gap";
    return messages.map(({ id }, index) => {
      const next = last + written.length + 1;
      const own = sequence === undefined ? next : sequence + index;
      const found =
        sequence === undefined
          ? (ids.get(id ?? "") ?? known.get(id ?? ""))
          : own < next
            ? (sequences.get(own) ?? 7)
            : undefined;
      if (found !== undefined) return found;
      const position = FIRST + written.length;
      written.push(`${id}`);
      sequences.set(next, position);
      if (id !== undefined && !ids.has(id)) ids.set(id, position);
      return position;
    });
  });
  return { written, answers };
}

describe("the plan of a group", () => {
  it("writes what the same calls one by one would, and answers the same", () => {
    fc.assert(
      fc.property(
        fc.array(call, { minLength: 1, maxLength: 6 }),
        fc.dictionary(fc.constantFrom("a", "b"), fc.integer({ min: 1, max: 100 })),
        fc.integer({ min: 0, max: 5 }),
        (calls, ids, last) => {
          const known = new Map(Object.entries(ids));
          const toPlan = calls.map(({ messages, sequence }) => ({
            messages: messages.map(({ id }) => ({ text: `${id}`, messageId: id, horizon: 0 })),
            sequence,
          }));
          const plan = planEnqueue(toPlan, {
            comparesGroup: true,
            findDuplicate: ({ messageId }) => known.get(messageId),
            producer: { sequence: last, positionOf: () => 7, gap: () => "gap" as never },
          });
          const { written, answers } = takeOneByOne(calls, { known, last });
          expect(plan.entries.map(({ text }) => text)).toEqual(written);
          const told = answerCalls(toPlan, plan, { first: FIRST, capacity });
          for (const [index, answer] of told.entries()) {
            const isRefused = answer.kind === "refused";
            expect(isRefused ? String(answer.error) : answer.positions).toEqual(answers[index]);
            if (isRefused) continue;
            const repeated = new Set(answer.duplicates);
            const fresh = answer.positions.filter((_, at) => !repeated.has(at));
            expect(fresh.every((position) => position >= FIRST)).toBe(true);
            expect(new Set(fresh).size).toBe(fresh.length);
          }
        },
      ),
      { numRuns: RUNS },
    );
  });

  it("leaves others alone when a call is refused, and what it was to write is looked for no more", () => {
    const messages = (...ids: string[]) =>
      ids.map((messageId) => ({ text: messageId, messageId, horizon: 0 }));
    const refusal = new Error("too little is known");
    const plan = planEnqueue([{ messages: messages("x", "old") }, { messages: messages("x", "y") }], {
      comparesGroup: true,
      findDuplicate: ({ messageId }) => {
        if (messageId === "old") throw refusal;
        return undefined;
      },
    });
    expect(plan.entries.map(({ text }) => text)).toEqual(["x", "y"]);
    expect(plan.calls).toEqual([
      { kind: "refused", error: refusal },
      { kind: "whole", offset: 0 },
    ]);
  });
});
