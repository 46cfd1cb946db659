import { auditLog, createEventStore } from "@tuppence/core";
import { type Operation, type OperationOutcome, partsOf } from "../src/accounts.ts";
import type { ProblemKind } from "../src/audit/problems.ts";
import { type Called, CALLED_JOURNAL, type Fired, FIRED_STREAM } from "../src/jobs.ts";
import { Journal } from "../src/journal.ts";
import { type Handled, HANDLED_JOURNAL } from "../src/letters.ts";
import { EFFECTS_TABLE } from "../src/place.ts";
import { ALARMS_JOURNAL } from "../src/processes/process-input.ts";
import { type Notice, NOTICES_JOURNAL } from "../src/read-models.ts";
import type { Soak } from "../src/run-soak.ts";
import { readSteps } from "../src/steps.ts";
import { changeChain, replaceItem, rewrite, withLastExchanged, withTwin } from "./spoil.ts";

/** Something that must not be, planted by hand; it answers what puts everything back. */
interface Plant {
  readonly what: string;
  readonly kinds: readonly ProblemKind[];
  readonly plant: (soak: Soak) => Promise<() => Promise<void>> | (() => Promise<void>);
}

/** One line of a writer's journal. */
interface WriterLine {
  readonly step: number;
  readonly intention?: Operation;
  readonly outcome?: OperationOutcome;
}

/** The first step of the writer that was stored at its first attempt. */
function storedStep({ folder }: Soak, kind: Operation["kind"]) {
  const found = readSteps<Operation, OperationOutcome>(folder, "writer-0").find(
    ({ intention, outcome, attempts }) =>
      intention.kind === kind && attempts === 1 && outcome !== undefined && "stored" in outcome,
  );
  if (found === undefined) throw new Error(`The writer has stored no ${kind} at once.`);
  return found;
}

/** Lets the writer's journal tell something else of a step. */
function retell(soak: Soak, kind: Operation["kind"], next: (line: WriterLine) => WriterLine | undefined) {
  const { step } = storedStep(soak, kind);
  return rewrite<WriterLine>(soak.place, "writer-0", (lines) =>
    lines.flatMap((line) => (line.step === step ? (next(line) ?? []) : [line])),
  );
}

/** Lets the journal of calls tell something else of those of a kind. */
function recall({ place }: Soak, next: (calls: readonly Called[]) => readonly Called[]) {
  return rewrite<Called>(place, CALLED_JOURNAL, next);
}

const isOfSeries = ({ by }: Fired): boolean => by.startsWith("series ");

/** Appends to a stream of nobody's, one page of the log for each event. Answers what takes all of it back. */
async function appendByNobody({ place }: Soak): Promise<() => Promise<void>> {
  const { client, tablePrefix } = place;
  // One that remembers nothing of what was taken back.
  const store = createEventStore({ client, tablePrefix });
  const restores = [
    await changeChain(place, "$all", (pages) => pages),
    await changeChain(place, "account|nobody", (items) => items),
  ];
  for (const index of [0, 1]) {
    const data = { by: "nobody", step: 1, index, cents: 1 };
    await store.append("account|nobody", [{ type: "Withdrawn", data }]);
    await auditLog({ client, tablePrefix, repair: true, graceMs: 0 });
  }
  return async () => {
    for (const restore of restores) await restore();
  };
}

const STORED: readonly Plant[] = [
  {
    what: "an event that is gone",
    kinds: ["chain broken", "stream unreadable", "event lost"],
    plant: (soak) => changeChain(soak.place, streamOf(soak), (items) => items.slice(1)),
  },
  {
    what: "an event that is there twice",
    kinds: ["event twice", "log incomplete"],
    plant: (soak) => changeChain(soak.place, streamOf(soak), withTwin),
  },
  {
    what: "an event that nobody intended, which the log has and no projection",
    kinds: ["event nobody intended", "overdrawn", "position behind", "document wrong"],
    plant: appendByNobody,
  },
  {
    what: "pages of the log in another order",
    kinds: ["log out of order"],
    async plant(soak) {
      const restore = await appendByNobody(soak);
      await changeChain(soak.place, "$all", withLastExchanged);
      return restore;
    },
  },
  {
    what: "a page of the log that is there twice",
    kinds: ["logged twice"],
    plant: ({ place }) => changeChain(place, "$all", withTwin),
  },
  {
    what: "a page of the log that is gone",
    kinds: ["log incomplete"],
    plant: ({ place }) => changeChain(place, "$all", (pages) => pages.slice(0, -1)),
  },
  {
    what: "a document that is gone",
    kinds: ["document wrong"],
    plant: ({ place }) =>
      replaceItem(place, { table: "soak-documents", is: /balances/, keys: ["p", "s"] }, () => undefined),
  },
  {
    what: "a counter that was counted up once too often",
    kinds: ["counter wrong"],
    plant: ({ place }) =>
      replaceItem(place, { table: EFFECTS_TABLE, is: /^ledger/, keys: ["p"] }, (item) => ({
        ...item,
        events: { N: String(Number(item["events"]?.N) + 1) },
      })),
  },
  {
    what: "an effect that was made twice",
    kinds: ["effect wrong"],
    plant: ({ place }) =>
      replaceItem(place, { table: EFFECTS_TABLE, is: /^letters/, keys: ["p"] }, (item) => ({
        ...item,
        positions: { L: [...(item["positions"]?.L ?? []), ...(item["positions"]?.L ?? []).slice(0, 1)] },
      })),
  },
  {
    what: "a message that is gone",
    kinds: ["message lost"],
    plant: ({ place }) => changeChain(place, "$queue|letters", (items) => items.slice(0, -1)),
  },
  {
    what: "a message that is there twice, and not handled",
    kinds: ["message twice", "position behind", "not handled"],
    plant: ({ place }) => changeChain(place, "$queue|letters", withTwin),
  },
  {
    what: "a job that is in the store twice",
    kinds: ["job twice"],
    plant: ({ place }) => changeChain(place, FIRED_STREAM, withTwin),
  },
];

/** A stream that the writer has deposited to. */
function streamOf(soak: Soak): string {
  const { intention } = storedStep(soak, "deposit");
  return partsOf(intention, { by: "", step: 0 })[0]?.streamId ?? "";
}

const TOLD: readonly Plant[] = [
  {
    what: "an event that is another one than was intended",
    kinds: ["event changed"],
    plant: (soak) =>
      retell(soak, "withdraw", (line) =>
        line.intention?.kind === "withdraw" ? { ...line, intention: { ...line.intention, cents: 0 } } : line,
      ),
  },
  {
    what: "an event that was refused",
    kinds: ["refused and stored"],
    plant: (soak) =>
      retell(soak, "deposit", (line) =>
        line.outcome === undefined ? line : { ...line, outcome: { refused: "versionConflict" } },
      ),
  },
  {
    what: "an event before one that was acknowledged before it",
    kinds: ["reordered"],
    plant: (soak) =>
      retell(soak, "deposit", (line) => {
        const part = { streamId: streamOf(soak), firstVersion: 0, version: 0 };
        return line.outcome === undefined ? line : { ...line, outcome: { stored: [part] } };
      }),
  },
  {
    what: "a part of a transaction",
    kinds: ["part of a transaction"],
    plant: (soak) =>
      retell(soak, "spread", (line) => {
        if (line.outcome !== undefined) return undefined;
        if (line.intention?.kind !== "spread") return line;
        const accounts = [...line.intention.accounts, "account|elsewhere"];
        return { ...line, intention: { ...line.intention, accounts } };
      }),
  },
  {
    what: "a message that is another one, and one that nobody intended",
    kinds: ["message changed", "message nobody intended"],
    plant: ({ place }) =>
      rewrite<{ readonly step: number; readonly intention?: { letters: { key: string }[] } }>(
        place,
        "producer-0",
        ([first, ...lines]) => {
          const { letters = [] } = first?.intention ?? {};
          const changed = letters.map((letter) => ({ ...letter, key: "another" }));
          return [{ ...first, step: first?.step ?? 0, intention: { letters: changed } }, ...lines].filter(
            ({ step }) => step !== 2,
          );
        },
      ),
  },
  {
    what: "a message that was not handled, and one that was handled too early",
    kinds: ["not handled", "handled out of order"],
    plant({ place }) {
      const handled = new Journal<Handled>(place.folder, HANDLED_JOURNAL).read();
      const [first] = handled;
      const second = handled.find(({ key, position }) => key !== first?.key && position > 0);
      return rewrite<Handled>(place, HANDLED_JOURNAL, (lines) => [
        ...lines.filter(({ position }) => position !== first?.position && position !== second?.position),
        ...(second === undefined ? [] : [second]),
      ]);
    },
  },
  {
    what: "a reaction that was not made",
    kinds: ["reaction missing"],
    plant: ({ place }) => {
      const [first] = new Journal<Notice>(place.folder, NOTICES_JOURNAL).read();
      return rewrite<Notice>(place, NOTICES_JOURNAL, (lines) =>
        lines.filter(({ streamId, version }) => streamId !== first?.streamId || version !== first.version),
      );
    },
  },
  {
    what: "a job that was not called, and one that nobody intended",
    kinds: ["job lost", "job nobody intended"],
    plant: (soak) =>
      recall(soak, (calls) =>
        calls.map((each) => (isOfSeries(each) ? each : { ...each, id: "x", step: -1 })),
      ),
  },
  {
    what: "a job that was called before its time",
    kinds: ["job early"],
    plant: (soak) =>
      recall(soak, (calls) =>
        calls.map((each, index) => (index === 0 ? { ...each, atMs: each.fireMs - 1 } : each)),
      ),
  },
  {
    what: "a job that was called when it was cancelled",
    kinds: ["cancelled and fired"],
    plant: (soak) => recall(soak, (calls) => [...calls, ...cancelledOf(soak)]),
  },
  {
    what: "a series that has forked, and one that has left something out",
    kinds: ["series forked", "series with holes"],
    plant: (soak) =>
      recall(soak, (calls) => {
        const last = calls.findLast(isOfSeries);
        return calls.flatMap((each) =>
          each === last
            ? [each, { ...each, id: "fork" }, { ...each, id: "far", dueMs: each.dueMs + 5_000 }]
            : [each],
        );
      }),
  },
  {
    what: "an alarm",
    kinds: ["alarm"],
    plant: ({ place }) => rewrite(place, ALARMS_JOURNAL, () => [{ by: "log-0", what: "gap" }]),
  },
];

/** A call of a job that its creator was told to be cancelled. */
function cancelledOf({ folder }: Soak): readonly Called[] {
  interface Line {
    readonly intention?: { readonly id?: string };
    readonly outcome?: { readonly answer?: string; readonly atMs?: number };
    readonly step: number;
  }
  const lines = new Journal<Line>(folder, "creator-0").read();
  const answer = lines.find(({ outcome }) => outcome?.answer === "cancelled");
  const id = lines.find(({ step, intention }) => step === answer?.step && intention)?.intention?.id ?? "";
  const atMs = (answer?.outcome?.atMs ?? 0) + 1;
  return [{ id, by: "creator-0", step: 0, name: null, dueMs: atMs, fireMs: atMs, atMs }];
}

export const PLANTS: readonly Plant[] = [...STORED, ...TOLD];
