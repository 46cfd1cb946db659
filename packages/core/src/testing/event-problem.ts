import type { NewEvent } from "../events.ts";
import { findJsonProblem, formatPath, type JsonProblem } from "../json.ts";

/** What keeps a value from being an event that a store gives back as it was; `root` names the event. */
export function findEventProblem(event: unknown, root: string): JsonProblem | undefined {
  if (typeof event !== "object" || event === null || Array.isArray(event)) {
    return { path: root, message: "an event is an object with type and data" };
  }
  const { type, data, metadata }: Partial<NewEvent> = event;
  if (typeof type !== "string" || type === "") {
    return { path: `${root}.type`, message: "an event needs a type, a text that is not empty" };
  }
  if (
    metadata !== undefined &&
    (typeof metadata !== "object" || metadata === null || Array.isArray(metadata))
  ) {
    return { path: `${root}.metadata`, message: "metadata is an object" };
  }
  return (
    findJsonProblem(data, `${root}.data`) ??
    (metadata === undefined ? undefined : findJsonProblem(metadata, `${root}.metadata`))
  );
}

const STORED: readonly string[] = ["type", "data", "metadata"];

/** As `findEventProblem`, for an event to be appended: whatever else it has is lost. */
export function findNewEventProblem(event: unknown, root: string): JsonProblem | undefined {
  const problem = findEventProblem(event, root);
  if (problem !== undefined) return problem;
  const lost = Object.keys(event as object).find((key) => !STORED.includes(key));
  return lost === undefined
    ? undefined
    : { path: formatPath(root, [lost]), message: "of an event only type, data and metadata are stored" };
}
