import { Bill } from "./capacity/units.ts";
import type { Observation, Observer, Operation, OperationFacts, OperationOutcome } from "./observer.ts";
import { categoryOf } from "./stream-name.ts";

/** An operation to be observed: what it does, given what it is billed on, and what to tell of its result. */
export interface Observed<Result> {
  /** Rejects when it fails, and never throws at once: that would look like a failure of the observer. */
  readonly work: (bill: Bill, observation: Observation | undefined) => Promise<Result>;
  readonly facts: (result: Result, bill: Bill) => OperationFacts;
}

/** Carries out an operation under an observer's eyes. */
export async function observe<Result>(
  observer: Observer,
  operation: Operation,
  { work, facts }: Observed<Result>,
): Promise<Result> {
  const bill = new Bill();
  const observation = start(observer, operation);
  let result: Result;
  try {
    result = await runInside(observation, () => work(bill, observation));
  } catch (error) {
    end(observation, bill, { status: "failed", error });
    throw error;
  }
  end(observation, bill, { status: "done", ...facts(result, bill) });
  return result;
}

/** Goes through an iterable under an observer's eyes, from the first step until it ends, fails or is left. */
export async function* observeEach<Element>(
  observer: Observer,
  operation: Operation,
  {
    elements,
    bill,
    facts,
  }: {
    readonly elements: AsyncIterable<Element>;
    /** What going through the elements is billed on. */
    readonly bill: Bill;
    readonly facts: (passed: number) => OperationFacts;
  },
): AsyncGenerator<Element, void, undefined> {
  const observation = start(observer, operation);
  const iterator = elements[Symbol.asyncIterator]();
  let passed = 0;
  let outcome: Ending = { status: "left" };
  try {
    for (;;) {
      const step = await runInside(observation, () => iterator.next());
      if (step.done) {
        outcome = { status: "done" };
        return;
      }
      passed += 1;
      yield step.value;
    }
  } catch (error) {
    outcome = { status: "failed", error };
    throw error;
  } finally {
    if (outcome.status === "left") await runInside(observation, async () => iterator.return?.());
    end(observation, bill, { ...outcome, ...facts(passed) });
  }
}

type Ending = Pick<OperationOutcome, "status" | "error"> & OperationFacts;

function start(observer: Observer, operation: Operation): Observation | undefined {
  const { streamId } = operation;
  // What is no name is refused by the operation itself.
  const named = typeof streamId === "string" ? { ...operation, category: categoryOf(streamId) } : operation;
  return guarded("start", () => observer.start(named));
}

/** The work's own result and failure, whatever the observer makes of them. */
function runInside<Result>(
  observation: Observation | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  if (observation === undefined) return work();
  let running: Promise<Result> | undefined;
  const begin = (): void => {
    running ??= work();
  };
  guarded("run", () => observation.run(begin));
  begin();
  return running as unknown as Promise<Result>;
}

function end(observation: Observation | undefined, bill: Bill, ending: Ending): void {
  if (observation === undefined) return;
  const { resends, lostRaces } = bill;
  guarded("end", () => observation.end({ ...ending, capacity: bill.total(), resends, lostRaces }));
}

/** Tells an observation that a command is decided again. */
export function tellRetry(
  observation: Observation | undefined,
  ...retry: Parameters<Observation["retry"]>
): void {
  if (observation !== undefined) guarded("retry", () => observation.retry(...retry));
}

/** An observer's failure is told, but is no failure of what it observes: an append that is stored stays stored. */
function guarded<Result>(method: string, call: () => Result): Result | undefined {
  try {
    return call();
  } catch (error) {
    const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.emitWarning(`${method}() of an observer failed; the operation goes on. ${failure}`, {
      type: "TuppenceObserverWarning",
    });
    return undefined;
  }
}
