import type { AnyEvent, DocumentProjection } from "../definition/projection.ts";
import { InvalidDocumentError } from "../errors.ts";

/** A state that events can't lead to. */
export interface RefusedState {
  readonly error: unknown;
  /** The index of the event that evolve failed on; undefined when the state it led to is refused. */
  readonly index: number | undefined;
}

/** Folds events into the state of a document, and answers the text of what it comes to; undefined: there is none. */
export async function evolveState(
  projection: DocumentProjection,
  { key, text }: { readonly key: string; readonly text: string | undefined },
  events: readonly AnyEvent[],
): Promise<{ readonly text: string | undefined } | RefusedState> {
  let index = 0;
  let state: unknown;
  try {
    // From text each time: a fold may change what it is given.
    state = text === undefined ? undefined : JSON.parse(text);
    for (; index < events.length; index++) {
      if (state === undefined) state = projection.initialState(key);
      state = projection.evolve(state, events[index] as AnyEvent, key);
    }
  } catch (error) {
    return { error, index };
  }
  if (state === undefined) return { text: undefined };
  try {
    // Checked, not changed: where a batch ends must not show in what the next event meets.
    await checkState(projection, key, state);
    return { text: stateText(key, state) };
  } catch (error) {
    return { error, index: undefined };
  }
}

/** @throws InvalidDocumentError for a state that does not fit the schema. */
async function checkState({ schema }: DocumentProjection, key: string, state: unknown): Promise<void> {
  if (schema === undefined) return;
  const result = await schema["~standard"].validate(state);
  if (result.issues === undefined) return;
  const issues = result.issues.map(({ message, path = [] }) => {
    const place = path.map((step) => String(typeof step === "object" ? step.key : step)).join(".");
    return place === "" ? message : `${place}: ${message}`;
  });
  throw new InvalidDocumentError(key, `its state does not fit the schema: ${issues.join("; ")}`);
}

/** @throws InvalidDocumentError for what is no JSON. */
function stateText(key: string, state: unknown): string {
  const text: string | undefined = JSON.stringify(state);
  if (text === undefined)
    throw new InvalidDocumentError(key, `its state is a ${typeof state}, which is no JSON`);
  return text;
}
