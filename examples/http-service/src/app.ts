import { commitIdFrom, createCommandHandler } from "@tuppence/core";
import { type Context, Hono } from "hono";
import { z } from "zod";
import { type AccountCommand, accountDecider, type AccountStore } from "./account.ts";
import { etagOf, expectedVersionOf, fingerprintOf, isKnown } from "./conditions.ts";
import { Problem, problemOf } from "./problem.ts";

const opening = z.object({ owner: z.string().min(1).max(100) });
const amount = z.object({ cents: z.int().positive() });

/** What a request asks for, and whether it has to say which version of the account it is based on. */
interface Change<Body> {
  readonly schema: z.ZodType<Body>;
  readonly command: (body: Body) => AccountCommand;
  readonly needsIfMatch?: boolean;
  readonly status?: 200 | 201;
}

/** The service: accounts in a store, with the versions of their streams as entity tags. */
export function createApp(store: AccountStore, log: (problem: Problem) => void = console.error): Hono {
  const handle = createCommandHandler({ store, decider: accountDecider });
  const app = new Hono();

  app.get("/accounts/:id", async (context) => {
    const { state, version } = await store.load(streamOf(context), accountDecider);
    if (state === undefined) throw new Problem(404, "accountMissing", "There is no such account.");
    context.header("etag", etagOf(version));
    if (isKnown(context.req.header("if-none-match"), version)) return context.body(null, 304);
    return context.json(state);
  });

  /** A change is stored once for each Idempotency-Key: a repetition changes nothing, and is answered with the account as it is by now. */
  const change =
    <Body>({ schema, command, needsIfMatch = false, status = 200 }: Change<Body>) =>
    async (context: Context) => {
      const key = context.req.header("idempotency-key");
      if (!key) throw new Problem(400, "idempotencyKeyMissing", "Send an Idempotency-Key.");
      const expectedVersion = expectedVersionOf(context.req.header("if-match"), needsIfMatch);
      const text = await context.req.text();
      const parsed = schema.safeParse(jsonOf(text));
      if (!parsed.success) throw new Problem(422, "bodyInvalid", z.prettifyError(parsed.error));
      const fingerprint = fingerprintOf(`${context.req.method} ${context.req.path} ${text}`);
      const { state, version, events } = await handle(streamOf(context), command(parsed.data), {
        commitId: commitIdFrom(key),
        metadata: { fingerprint },
        expectedVersion,
      });
      if (events.some(({ metadata }) => metadata?.["fingerprint"] !== fingerprint)) {
        throw new Problem(
          422,
          "idempotencyKeyReused",
          "The Idempotency-Key came with another request before.",
        );
      }
      context.header("etag", etagOf(version));
      return context.json(state ?? null, status);
    };

  app.put(
    "/accounts/:id",
    change({ schema: opening, command: (data) => ({ type: "AccountOpened", data }), status: 201 }),
  );
  // Who gives an account another owner has to have seen the one before.
  app.patch(
    "/accounts/:id",
    change({ schema: opening, command: (data) => ({ type: "OwnerChanged", data }), needsIfMatch: true }),
  );
  app.post(
    "/accounts/:id/deposits",
    change({ schema: amount, command: (data) => ({ type: "MoneyDeposited", data }) }),
  );
  app.post(
    "/accounts/:id/withdrawals",
    change({ schema: amount, command: (data) => ({ type: "MoneyWithdrawn", data }) }),
  );

  app.notFound(() => new Problem(404, "notFound", "There is nothing here.").toResponse());
  app.onError((error, context) => {
    const problem = problemOf(error, context.req.header("if-match") !== undefined);
    if (problem.status >= 500) log(problem);
    return problem.toResponse();
  });
  return app;
}

function streamOf(context: Context): string {
  return `account|${context.req.param("id")}`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem(400, "bodyInvalid", "The body is no JSON.", { cause: error });
  }
}
