import { AssertionError } from "node:assert";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { type Decider, defineEvents, type EventOf, type NewEvent } from "../src/index.ts";
import { testDecider } from "../src/testing/index.ts";

const events = defineEvents({
  Opened: z.object({ owner: z.string() }),
  Deposited: z.object({ amount: z.number() }),
  Withdrawn: z.object({ amount: z.number() }),
});
type Event = EventOf<typeof events>;
type Command =
  | { readonly kind: "open"; readonly owner: string }
  | { readonly kind: "deposit" | "withdraw"; readonly amount: number };
interface Account {
  readonly open: boolean;
  readonly balance: number;
  readonly history: readonly number[];
}

class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly command: Command;

  constructor(command: Command, reason: string) {
    super(`${command.kind} is refused: ${reason}`);
    this.command = command;
  }
}

const account: Decider<Command, Account, Event> = {
  initialState: () => ({ open: false, balance: 0, history: [] }),
  evolve(state, event) {
    if (event.type === "Opened") return { ...state, open: true };
    const change = event.type === "Deposited" ? event.data.amount : -event.data.amount;
    return { ...state, balance: state.balance + change, history: [...state.history, change] };
  },
  decide(command, { open, balance }) {
    if (command.kind === "open") return open ? [] : { type: "Opened", data: { owner: command.owner } };
    if (!open) throw new RefusedError(command, "no such account");
    if (command.kind === "deposit") return [deposited(command.amount)];
    if (command.amount > balance) throw new RefusedError(command, "not enough money");
    return { type: "Withdrawn", data: { amount: command.amount } };
  },
};

const given = testDecider(account);
const opened: Event = { type: "Opened", data: { owner: "Ada" } };
const deposited = (amount: number): Event => ({ type: "Deposited", data: { amount } });
const withdrawn = (amount: number): Event => ({ type: "Withdrawn", data: { amount } });
const deposit = (amount: number): Command => ({ kind: "deposit", amount });
const withdraw = (amount: number): Command => ({ kind: "withdraw", amount });

/** A decider that answers a command by calling it. */
const obedient = <State = undefined>(
  initialState: () => State,
  evolve: (state: State, event: NewEvent) => State = (state) => state,
): Decider<(state: State) => NewEvent | readonly NewEvent[], State, NewEvent> => ({
  initialState,
  evolve,
  decide: (command, state) => command(state),
});
const givenAny = testDecider(obedient(() => undefined));

/** The error that fails the test. */
function failureOf(test: () => void): AssertionError {
  try {
    test();
  } catch (error) {
    if (error instanceof AssertionError) return error;
    throw error;
  }
  throw new Error("The test did not fail.");
}

const messageOf = (test: () => void): string => failureOf(test).message;
const summaryOf = (test: () => void): string | undefined => messageOf(test).split("\n")[0];
const lines = (...text: readonly string[]): string => text.join("\n");

describe("thenEvents", () => {
  it("passes for exactly the events that were decided, one or many", () => {
    given([]).when({ kind: "open", owner: "Ada" }).thenEvents([opened]);
    given([opened])
      .when(deposit(5))
      .thenEvents([deposited(5)]);
    given([opened, deposited(5)])
      .when(withdraw(5))
      .thenEvents([withdrawn(5)]);
    given([opened]).when({ kind: "open", owner: "Bob" }).thenEvents([]);
  });

  it("tells what differs, and has both for the test runner's diff", () => {
    const failure = failureOf(() =>
      given([opened, deposited(7)])
        .when(withdraw(5))
        .thenEvents([withdrawn(6)]),
    );
    expect(failure.message).toBe(
      lines(
        "decided[0].data.amount is 5, expected 6",
        "",
        "given",
        "  Opened { owner: 'Ada' }",
        "  Deposited { amount: 7 }",
        "when",
        "  { kind: 'withdraw', amount: 5 }",
        "expected",
        "  Withdrawn { amount: 6 }",
        "but it decided",
        "  Withdrawn { amount: 5 }",
      ),
    );
    expect(failure).toMatchObject({
      name: "AssertionError",
      code: "ERR_ASSERTION",
      operator: "thenEvents",
      actual: [withdrawn(5)],
      expected: [withdrawn(6)],
    });
  });

  it("fails for other types, for missing events, for more events, and in another order", () => {
    const test = givenAny([]);
    const a = { type: "A", data: 1 };
    const b = { type: "B", data: 2 };
    const twice = test.when(() => [a, b]);
    expect(summaryOf(() => test.when(() => a).thenEvents([b]))).toBe("decided[0].type is 'A', expected 'B'");
    expect(summaryOf(() => test.when(() => a).thenEvents([a, b]))).toBe(
      "decided[1] is missing, expected { type: 'B', data: 2 }",
    );
    expect(summaryOf(() => twice.thenEvents([a]))).toBe(
      "decided[1] is { type: 'B', data: 2 }, expected none",
    );
    expect(summaryOf(() => twice.thenEvents([b, a]))).toBe("decided[0].type is 'A', expected 'B'");
    twice.thenEvents([a, b]);
  });

  it("compares metadata; absent and undefined is the same", () => {
    const event = { type: "A", data: null };
    const test = givenAny([]).when(() => ({ ...event, metadata: { causationId: "1" } }));
    test.thenEvents([{ ...event, metadata: { causationId: "1" } }]);
    expect(messageOf(() => test.thenEvents([{ ...event, metadata: { causationId: "2" } }]))).toContain(
      "expected\n  A null with metadata { causationId: '2' }\nbut it decided\n  A null with metadata { causationId: '1' }",
    );
    expect(summaryOf(() => test.thenEvents([event]))).toBe(
      "decided[0].metadata is { causationId: '1' }, expected none",
    );
    givenAny([])
      .when(() => ({ ...event, metadata: undefined }))
      .thenEvents([event]);
  });

  it("tells what was thrown instead, with the error as its cause", () => {
    const failure = failureOf(() =>
      given([])
        .when(deposit(5))
        .thenEvents([deposited(5)]),
    );
    expect(failure.message).toBe(
      lines(
        "decide threw",
        "",
        "given",
        "  nothing",
        "when",
        "  { kind: 'deposit', amount: 5 }",
        "expected",
        "  Deposited { amount: 5 }",
        "but it threw",
        "  RefusedError: deposit is refused: no such account",
      ),
    );
    expect(failure.cause).toBeInstanceOf(RefusedError);
  });

  it("blames the line of the test", () => {
    const failure = failureOf(() => given([opened]).when(deposit(5)).thenEvents([]));
    expect(failure.stack?.split("\n").find((line) => line.startsWith("    at "))).toContain(
      "decider-tester.test.ts",
    );
  });

  it("cuts what is long, and shows the last of many events", () => {
    const many = Array.from({ length: 100 }, (_, index) => deposited(index));
    const message = messageOf(() =>
      given([opened, ...many])
        .when({ kind: "open", owner: "A".repeat(1_000) })
        .thenEvents([opened]),
    );
    expect(message).toContain("given\n  … 81 more\n  Deposited { amount: 80 }\n");
    expect(message).toContain("AAA…\nexpected");
    expect(message.length).toBeLessThan(1_500);
  });
});

describe("thenNothing", () => {
  it("passes when nothing was decided", () => {
    given([opened]).when({ kind: "open", owner: "Bob" }).thenNothing();
  });

  it("fails when something was, or an error was thrown", () => {
    expect(messageOf(() => given([opened]).when(deposit(5)).thenNothing())).toBe(
      lines(
        "decided[0] is { type: 'Deposited', data: { amount: 5 } }, expected none",
        "",
        "given",
        "  Opened { owner: 'Ada' }",
        "when",
        "  { kind: 'deposit', amount: 5 }",
        "expected",
        "  nothing",
        "but it decided",
        "  Deposited { amount: 5 }",
      ),
    );
    expect(summaryOf(() => given([]).when(deposit(5)).thenNothing())).toBe("decide threw");
  });
});

describe("thenThrows", () => {
  const refused = given([opened]).when(withdraw(5));

  it("takes a class", () => {
    refused.thenThrows(RefusedError);
    refused.thenThrows(Error);
    expect(messageOf(() => refused.thenThrows(RangeError))).toBe(
      lines(
        "RefusedError was thrown, expected RangeError",
        "",
        "given",
        "  Opened { owner: 'Ada' }",
        "when",
        "  { kind: 'withdraw', amount: 5 }",
        "expected",
        "  RangeError",
        "but it threw",
        "  RefusedError: withdraw is refused: not enough money",
      ),
    );
    expect(failureOf(() => refused.thenThrows(RangeError)).cause).toBeInstanceOf(RefusedError);
  });

  it("takes a part of the message, or a pattern", () => {
    refused.thenThrows("not enough");
    refused.thenThrows(/^withdraw .* money$/);
    const pattern = /refused/g;
    refused.thenThrows(pattern);
    refused.thenThrows(pattern);
    expect(failureOf(() => refused.thenThrows("no such account"))).toMatchObject({
      message: expect.stringMatching(
        /^the message of the RefusedError thrown does not contain 'no such account'\n.*\nexpected\n {2}an error whose message contains 'no such account'\nbut it threw/s,
      ),
      actual: "withdraw is refused: not enough money",
      expected: "no such account",
    });
    expect(summaryOf(() => refused.thenThrows(/^deposit/))).toBe(
      "the message of the RefusedError thrown does not match /^deposit/",
    );
  });

  it("takes an error that is equal in class, message and fields", () => {
    refused.thenThrows(new RefusedError(withdraw(5), "not enough money"));
    expect(
      failureOf(() => refused.thenThrows(new RefusedError(withdraw(6), "not enough money"))),
    ).toMatchObject({
      message: expect.stringMatching(/^error\.command\.amount is 5, expected 6\n/),
      actual: { command: withdraw(5) },
      expected: { command: withdraw(6) },
    });
    expect(summaryOf(() => refused.thenThrows(new RefusedError(withdraw(5), "no such account")))).toBe(
      "error.message is 'withdraw is refused: not enough money', expected 'withdraw is refused: no such account'",
    );
    expect(summaryOf(() => refused.thenThrows(new Error("withdraw is refused: not enough money")))).toBe(
      "RefusedError was thrown, expected Error",
    );
  });

  it("compares the cause of an error as well", () => {
    const test = givenAny([]).when(() => {
      throw new Error("no", { cause: 1 });
    });
    test.thenThrows(new Error("no", { cause: 1 }));
    expect(summaryOf(() => test.thenThrows(new Error("no", { cause: 2 })))).toBe(
      "error.cause is 1, expected 2",
    );
    expect(summaryOf(() => test.thenThrows(new Error("no")))).toBe("error.cause is 1, expected none");
  });

  it("takes some of the fields", () => {
    refused.thenThrows({ name: "RefusedError", command: withdraw(5) });
    expect(summaryOf(() => refused.thenThrows({ command: withdraw(6) }))).toBe(
      "error.command.amount is 5, expected 6",
    );
    expect(summaryOf(() => refused.thenThrows({ code: "refused" }))).toBe(
      "error.code is missing, expected 'refused'",
    );
  });

  it("takes a function that says whether it is the error", () => {
    refused.thenThrows((error) => error instanceof RefusedError && error.command.kind === "withdraw");
    const isPoor = (error: unknown): boolean => error === "poor";
    expect(messageOf(() => refused.thenThrows(isPoor))).toMatch(
      /^isPoor does not accept the RefusedError thrown\n.*\nexpected\n {2}an error that isPoor accepts\nbut it threw\n/s,
    );
    givenAny([])
      .when(() => {
        // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error -- what is no error can be thrown too
        throw "poor";
      })
      .thenThrows(isPoor);
  });

  it("fails when nothing was thrown", () => {
    expect(messageOf(() => given([opened]).when(deposit(5)).thenThrows(RefusedError))).toBe(
      lines(
        "decide did not throw",
        "",
        "given",
        "  Opened { owner: 'Ada' }",
        "when",
        "  { kind: 'deposit', amount: 5 }",
        "expected",
        "  RefusedError",
        "but it decided",
        "  Deposited { amount: 5 }",
      ),
    );
  });

  it("refuses what says nothing about an error", () => {
    expect(() => refused.thenThrows({})).toThrow(TypeError);
    // @ts-expect-error -- something has to be expected
    expect(() => refused.thenThrows()).toThrow("it got undefined");
  });
});

describe("thenState", () => {
  it("is the state after the given events, and after those decided too", () => {
    given([]).thenState({ open: false, balance: 0, history: [] });
    given([opened, deposited(5)]).thenState({ open: true, balance: 5, history: [5] });
    given([opened, deposited(5)])
      .when(withdraw(2))
      .thenState({ open: true, balance: 3, history: [5, -2] });
  });

  it("or what a function sees in it", () => {
    const balanceOf = ({ balance }: Account): number => balance;
    given([opened, deposited(5)]).thenState(balanceOf, 5);
    given([opened, deposited(5)])
      .when(withdraw(2))
      .thenState(balanceOf, 3);
    expect(messageOf(() => given([opened]).when(deposit(5)).thenState(balanceOf, 6))).toMatch(
      /^balanceOf is 5, expected 6\n.*\nexpected\n {2}balanceOf 6\nbut it is\n {2}balanceOf 5$/s,
    );
    expect(summaryOf(() => given([opened]).thenState((state) => state.balance, 6))).toBe(
      "(state) => state.balance is 0, expected 6",
    );
  });

  it("tells what differs, and has both for the test runner's diff", () => {
    const failure = failureOf(() =>
      given([opened, deposited(5)]).thenState({ open: true, balance: 5, history: [5, 6] }),
    );
    expect(failure.message).toBe(
      lines(
        "state.history[1] is missing, expected 6",
        "",
        "given",
        "  Opened { owner: 'Ada' }",
        "  Deposited { amount: 5 }",
        "expected",
        "  state { open: true, balance: 5, history: [ 5, 6 ] }",
        "but it is",
        "  state { open: true, balance: 5, history: [ 5 ] }",
      ),
    );
    expect(failure).toMatchObject({ actual: { history: [5] }, expected: { history: [5, 6] } });
  });

  it("fails when the command is refused", () => {
    expect(
      messageOf(() =>
        given([])
          .when(deposit(5))
          .thenState((state) => state.balance, 5),
      ),
    ).toMatch(
      /^decide threw\n.*\nexpected\n {2}\(state\) => state.balance 5\nbut it threw\n {2}RefusedError: /s,
    );
  });

  it("compares states that are no JSON, deeply and strictly", () => {
    const test = testDecider(obedient(() => new Map([["a", new Date(0)]])))([]);
    test.thenState(new Map([["a", new Date(0)]]));
    expect(summaryOf(() => test.thenState(new Map([["a", new Date(1)]])))).toBe(
      "state is Map(1) { 'a' => 1970-01-01T00:00:00.000Z }, expected Map(1) { 'a' => 1970-01-01T00:00:00.001Z }",
    );
    const optional = testDecider(obedient((): { a?: undefined } => ({})))([]);
    expect(summaryOf(() => optional.thenState({ a: undefined }))).toBe(
      "state.a is missing, expected undefined",
    );
    const cyclic = (value: number): object => {
      const node: Record<string, unknown> = {};
      return Object.assign(node, { node, value });
    };
    expect(() => testDecider(obedient(() => cyclic(1)))([]).thenState(cyclic(2))).toThrow(AssertionError);
    testDecider(obedient(() => cyclic(1)))([]).thenState(cyclic(1));
  });
});

describe("a decider is held to its word", () => {
  it("decided events are what append takes", () => {
    const problemOf = (event: unknown): string | undefined =>
      summaryOf(() =>
        givenAny([])
          .when(() => event as NewEvent)
          .thenEvents([event as NewEvent]),
      );
    expect(problemOf({ type: "A", data: { at: new Date(0) } })).toBe(
      "decided[0].data.at: a Date would not be read back as one; append plain data (a date as ISO text)",
    );
    expect(problemOf({ type: "A", data: { a: [undefined] } })).toContain("decided[0].data.a[0]: undefined");
    expect(problemOf({ type: "A", data: 1, metadata: { n: Number.NaN } })).toContain(
      "decided[0].metadata.n: NaN",
    );
    expect(problemOf({ type: "A", data: 1, metadata: [] })).toBe(
      "decided[0].metadata: metadata is an object",
    );
    expect(problemOf({ type: "", data: 1 })).toContain("decided[0].type: an event needs a type");
    expect(problemOf({ type: "A", data: 1, at: "now" })).toContain("decided[0].at: of an event only type,");
    expect(problemOf(undefined)).toBe("decided[0]: an event is an object with type and data");
  });

  it("and shown when they are not", () => {
    const test = givenAny([{ type: "A", data: 1 }]).when(() => [{ type: "B", data: new Date(0) }]);
    expect(messageOf(() => test.thenNothing())).toMatch(
      /\n\ngiven\n {2}A 1\nwhen\n {2}\[Function.*\]\nit decided\n {2}B 1970-01-01T00:00:00.000Z$/s,
    );
  });

  it("given events are what a store gives", () => {
    expect(() => givenAny([{ type: "A", data: { at: new Date(0) } }])).toThrow(
      new TypeError(
        "No store gives back such an event: given[0].data.at: a Date would not be read back as one; append plain data (a date as ISO text).",
      ),
    );
    // @ts-expect-error -- a list is taken, not one event
    expect(() => given(opened)).toThrow(TypeError);
    const recorded = { streamId: "a|1", version: 1, eventId: "c/0", recordedAt: new Date(0), metadata: {} };
    given([{ ...opened, ...recorded }]).thenState((state) => state.open, true);
  });

  it("an evolve that changes its state or event fails", () => {
    const changesState = obedient(
      () => ({ seen: [] as string[] }),
      (state, event) => {
        state.seen.push(event.type);
        return state;
      },
    );
    const failure = failureOf(() =>
      testDecider(changesState)([{ type: "A", data: 1 }]).thenState({ seen: ["A"] }),
    );
    expect(failure.message).toBe(
      lines(
        "evolve threw on given[0], A",
        "",
        "given",
        "  A 1",
        "but evolve threw",
        "  TypeError: Cannot add property 0, object is not extensible",
      ),
    );
    expect(failure.cause).toBeInstanceOf(TypeError);
    const changesEvent = obedient(
      () => 0,
      (state, event) => {
        (event.data as { n: number }).n++;
        return state + 1;
      },
    );
    const decides = testDecider(changesEvent)([]).when(() => ({ type: "B", data: { n: 1 } }));
    expect(summaryOf(() => decides.thenState(1))).toBe("evolve threw on decided[0], B");
    const happened = testDecider(changesEvent)([{ type: "A", data: { n: 1 } }]);
    expect(summaryOf(() => happened.thenState(1))).toBe("evolve threw on given[0], A");
    decides.thenEvents([{ type: "B", data: { n: 1 } }]);
  });

  it("a decide that changes its state or command fails, also where the state is frozen on its surface", () => {
    const test = testDecider(obedient(() => Object.freeze({ list: [] as number[] })));
    const impure = test([]).when((state) => {
      state.list.push(1);
      return [];
    });
    expect(messageOf(() => impure.thenNothing())).toContain("TypeError: Cannot add property 0");
    const reverses: Decider<number[], undefined, NewEvent> = {
      initialState: () => undefined,
      evolve: (state) => state,
      decide: (command) => ({ type: "Reversed", data: command.reverse() }),
    };
    expect(summaryOf(() => testDecider(reverses)([]).when([2, 1]).thenEvents([]))).toBe("decide threw");
  });

  it("an evolve that throws is never the refusal of a command", () => {
    const broken = obedient(
      () => 0,
      () => {
        throw new RangeError("evolve");
      },
    );
    expect(
      summaryOf(() =>
        testDecider(broken)([{ type: "A", data: 1 }])
          .when(() => [])
          .thenThrows(RangeError),
      ),
    ).toBe("evolve threw on given[0], A");
  });

  it("a decide that answers later is a mistake", () => {
    const later = { ...account, decide: () => Promise.resolve(opened) };
    // @ts-expect-error -- a decider answers at once
    const test = testDecider(later)([]).when(deposit(5));
    expect(() => test.thenEvents([opened])).toThrow(TypeError);
    expect(() => test.thenThrows(TypeError)).toThrow("decide gave a promise");
  });

  it("each assertion decides anew", () => {
    const test = given([opened, deposited(5)]);
    const asked = test.when(withdraw(5));
    asked.thenEvents([withdrawn(5)]);
    asked.thenEvents([withdrawn(5)]);
    asked.thenState((state) => state.balance, 0);
    test.thenState((state) => state.balance, 5);
  });
});

describe("types that follow from the decider", () => {
  it("events, commands and states", () => {
    expectTypeOf<Parameters<typeof given>[0]>().toEqualTypeOf<readonly Event[]>();
    const test = given([]);
    expectTypeOf<Parameters<typeof test.when>[0]>().toEqualTypeOf<Command>();
    test.thenState((state) => {
      expectTypeOf(state).toEqualTypeOf<Account>();
      return state.open;
    }, false);
  });

  it("refuse what does not belong to it", () => {
    const wrong = (): void => {
      // @ts-expect-error -- no such event
      given([{ type: "Closed", data: {} }]);
      // @ts-expect-error -- data of another event
      given([{ type: "Opened", data: { amount: 5 } }]);
      // @ts-expect-error -- no such command
      given([]).when({ kind: "close" });
      // @ts-expect-error -- a command comes first
      given([]).thenEvents([]);
      const asked = given([]).when(deposit(5));
      // @ts-expect-error -- no such event
      asked.thenEvents([{ type: "Closed", data: {} }]);
      // @ts-expect-error -- not all of the state
      given([]).thenState({ open: true });
      // @ts-expect-error -- the part is a number
      given([]).thenState((state) => state.balance, "5");
      // @ts-expect-error -- an error has fields, a class or a message
      asked.thenThrows(5);
    };
    expect(wrong).toBeTypeOf("function");
  });

  it("follow from a decider that is written in place as well", () => {
    const seats = testDecider({
      initialState: () => ({ free: 1 }),
      evolve: ({ free }: { free: number }) => ({ free: free - 1 }),
      decide: (guest: string, { free }: { free: number }) =>
        free > 0 ? { type: "SeatReserved" as const, data: { guest } } : [],
    });
    seats([])
      .when("Ada")
      .thenEvents([{ type: "SeatReserved", data: { guest: "Ada" } }]);
    seats([{ type: "SeatReserved", data: { guest: "Ada" } }])
      .when("Grace")
      .thenNothing();
    // @ts-expect-error -- a guest is text
    seats([{ type: "SeatReserved", data: { guest: 1 } }]).thenState({ free: 0 });
  });
});
