import { createMemoryEventStore } from "@tuppence/core/memory";
import { beforeAll, describe, expect, it } from "vitest";
import { DECISION, letterOf } from "../src/letters.ts";
import { permitEvents } from "../src/permit-events.ts";
import { type LoggedTask, readReceiptLog } from "../src/receipt-log.ts";
import { GROUPS } from "../src/send-letters.ts";
import { sendTasks } from "../src/send-tasks.ts";
import { readBack } from "../src/verify.ts";
import { findLetterDifferences, type Letters } from "../src/verify-letters.ts";
import type { LoggedPermitEvent } from "../src/verify-log.ts";

/** Cases that were decided, and a log of them, one after the other. */
const PERMITS = ["permit|case-3989", "permit|case-3991", "permit|case-3998"] as const;
const [FIRST, SECOND] = PERMITS;
let tasks: readonly LoggedTask[];
let logged: readonly LoggedPermitEvent[];
let letters: Letters;

beforeAll(async () => {
  tasks = (await readReceiptLog()).filter(({ streamId }) => PERMITS.some((permit) => permit === streamId));
  const store = createMemoryEventStore({ events: permitEvents });
  await sendTasks(store, tasks);
  const stored = await readBack(store);
  const events = PERMITS.flatMap(
    (permit) => stored.find(({ streamId }) => streamId === permit)?.events ?? [],
  );
  logged = events.map((event, index) => ({ ...event, position: index + 1 }));
  const bodies = logged
    .filter(({ type }) => type === DECISION)
    .map(({ streamId, metadata, data }) => letterOf(streamId, metadata["department"], data));
  letters = {
    enqueued: bodies.map((body, index) => ({ position: index + 1, key: body.permit, body })),
    sent: new Map(
      GROUPS.map((group) => [
        group,
        bodies.map((letter, index) => ({ position: index + 1, letter, sentAt: 0 })),
      ]),
    ),
  };
});

/** The letters of the queue in another order or number, at positions without a gap. */
function enqueue(all: Letters, order: readonly number[]): Letters {
  const enqueued = order.flatMap((from, index) => {
    const message = all.enqueued[from];
    return message === undefined ? [] : [{ ...message, position: index + 1 }];
  });
  return { ...all, enqueued };
}

function send(
  all: Letters,
  change: (letters: NonNullable<ReturnType<Letters["sent"]["get"]>>) => typeof letters,
): Letters {
  return { ...all, sent: new Map([...all.sent, ["printed", change(all.sent.get("printed") ?? [])]]) };
}

/** How it is told, and what is wrong. */
const WRONG: readonly (readonly [string, (all: Letters) => Letters])[] = [
  [`letter 1, of ${SECOND}, is in the place of the decision of ${FIRST}`, (all) => enqueue(all, [1, 0, 2])],
  [`${SECOND}: is decided, and has no letter`, (all) => enqueue(all, [0, 2])],
  [`letter 4, of ${FIRST}, is in the place of the decision of nothing`, (all) => enqueue(all, [0, 1, 2, 0])],
  [
    `letter 2, of ${SECOND}, is in place 1 of the queue`,
    (all) => ({ ...all, enqueued: all.enqueued.slice(1) }),
  ],
  [
    `letter 1, of ${FIRST}, is not what the file says`,
    (all) => ({
      ...all,
      enqueued: all.enqueued.map((message, index) =>
        index === 0 ? { ...message, body: { ...message.body, decidedBy: "Resource99" } } : message,
      ),
    }),
  ],
  [
    `letter 1, of ${FIRST}, has the key of none`,
    (all) => ({ ...all, enqueued: all.enqueued.map((message) => ({ ...message, key: undefined })) }),
  ],
  ["printed: 2 letters were sent, and 3 enqueued", (all) => send(all, (sent) => sent.slice(0, 2))],
  [
    `printed: letter 1, of ${FIRST}, was sent in place 2`,
    (all) => send(all, ([first, ...more]) => [first, first, ...more].filter((each) => each !== undefined)),
  ],
  [
    `printed: letter 3, of ${PERMITS[2]}, was sent in place 1`,
    (all) => send(all, (sent) => sent.toReversed()),
  ],
  [
    `printed: letter 1, of ${SECOND}, is not what was enqueued`,
    (all) =>
      send(all, (sent) =>
        sent.map((each, index) => (index === 0 ? { ...each, letter: sent[1]?.letter ?? each.letter } : each)),
      ),
  ],
];

describe("verifying the letters against the decisions", () => {
  it("finds nothing when each decision has its letter, in order, sent once by each group", () => {
    expect(letters.enqueued.map(({ key }) => key)).toEqual(PERMITS);
    expect(findLetterDifferences(letters, logged, tasks)).toEqual([]);
  });

  it("counts a decision once that the log has twice", () => {
    expect(findLetterDifferences(letters, [...logged, ...logged], tasks)).toEqual([]);
  });

  it.each(WRONG)("tells: %s", (difference, change) => {
    expect(findLetterDifferences(change(letters), logged, tasks)).toContain(difference);
  });
});
