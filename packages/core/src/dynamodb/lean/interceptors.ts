import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** A call of DynamoDB's API: `PutItem` and its input. */
export interface Call {
  readonly operation: string;
  readonly input: object;
}

/** Takes the place of a step, which it may do with `next`: with another input, several times or not at all. */
export type Intercept = (call: Call, next: (input: object) => Promise<object>) => Promise<object>;

/** Wraps the lean calls of a client, which its `middlewareStack` does not see. */
export interface Interceptor {
  /** Around a call, with all its attempts. */
  readonly call?: Intercept | undefined;
  /** Around one attempt: what the retries see. The input is given to know it, not to change it. */
  readonly attempt?: Intercept | undefined;
}

const registered = new WeakMap<DynamoDBClient, Interceptor[]>();

/** Adds an interceptor to all lean calls of this client, also of stores that exist already. Returns its removal. */
export function interceptLeanCalls(client: DynamoDBClient, interceptor: Interceptor): () => void {
  const interceptors = interceptorsOf(client);
  interceptors.push(interceptor);
  return () => {
    const index = interceptors.indexOf(interceptor);
    if (index >= 0) interceptors.splice(index, 1);
  };
}

/** The interceptors of a client, the last one outermost; one list for its life, kept up to date. */
export function interceptorsOf(client: DynamoDBClient): Interceptor[] {
  let interceptors = registered.get(client);
  if (interceptors === undefined) {
    interceptors = [];
    registered.set(client, interceptors);
  }
  return interceptors;
}

/** Does a step with the interceptors around it. */
export function intercepted(
  intercepts: readonly (Intercept | undefined)[],
  { operation, input }: Call,
  innermost: (input: object) => Promise<object>,
): Promise<object> {
  let next = innermost;
  for (const intercept of intercepts) {
    const inner = next;
    if (intercept) next = (given) => intercept({ operation, input: given }, inner);
  }
  return next(input);
}
