import type { EventDefinitions } from "../events.ts";
import type { HandleResult } from "./command-handler.ts";
import type { Request } from "./handle-alone.ts";

/** A command on its way, and who waits for it. */
export interface WaitingCommand<Definitions extends EventDefinitions, Command, State> {
  readonly command: Command;
  readonly request: Request;
  /** The moment at which it came in. */
  readonly cameAt: number;
  attempts: number;
  conflicts: number;
  readonly resolve: (result: HandleResult<Definitions, State>) => void;
  readonly reject: (reason: unknown) => void;
}

/** Takes back the commands that were aborted. */
export function withoutAborted<Definitions extends EventDefinitions, Command, State>(
  commands: readonly WaitingCommand<Definitions, Command, State>[],
): WaitingCommand<Definitions, Command, State>[] {
  return commands.filter(({ request, reject }) => {
    if (!request.signal?.aborted) return true;
    reject(request.signal.reason);
    return false;
  });
}
