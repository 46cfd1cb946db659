import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import {
  DynamoDBServiceException,
  InternalServerError,
  ItemCollectionSizeLimitExceededException,
  ProvisionedThroughputExceededException,
  ResourceNotFoundException,
  TransactionCanceledException,
} from "@aws-sdk/client-dynamodb";
import { UncertainWriteError } from "@tuppence/core/leases";
import { describe, expect, it } from "vitest";
import {
  DocumentTooLargeError,
  InvalidDocumentError,
  NonRetryableError,
  ProjectionBusyError,
  RetryAfterError,
} from "../src/index.ts";
import { classifyFailure } from "@tuppence/core/failures";

const kindOf = (error: unknown) => classifyFailure(error).kind;
const ofAws = { message: "no", $metadata: {} };
const named = (name: string): Error => Object.assign(new Error("no"), { name });
const coded = (code: string): Error => Object.assign(new Error("no"), { code });
const having = (more: object): Error => Object.assign(new Error("no"), more);
const cancelled = (...codes: (string | undefined)[]): Error =>
  new TransactionCanceledException({ ...ofAws, CancellationReasons: codes.map((Code) => ({ Code })) });

describe("classifyFailure", () => {
  it("tries for ever what DynamoDB refuses for the moment", () => {
    expect(kindOf(new ProvisionedThroughputExceededException(ofAws))).toBe("transient");
    expect(kindOf(new InternalServerError(ofAws))).toBe("transient");
    for (const name of [
      "LimitExceededException",
      "RequestLimitExceeded",
      "RequestThrottled",
      "ServiceUnavailable",
      "ThrottlingException",
      "TimeoutError",
      "TooManyRequestsException",
      "TransactionConflictException",
      "TransactionInProgressException",
    ]) {
      expect([name, kindOf(named(name))]).toEqual([name, "transient"]);
    }
  });

  it("tries for ever where a connection breaks or can't be made", () => {
    for (const code of [
      "EAI_AGAIN",
      "ECONNREFUSED",
      "ECONNRESET",
      "EHOSTUNREACH",
      "ENETUNREACH",
      "ENOTFOUND",
      "EPIPE",
      "ETIMEDOUT",
    ]) {
      expect([code, kindOf(coded(code))]).toEqual([code, "transient"]);
    }
  });

  it("tries for ever where fetch says so", async () => {
    const server = createServer(({ socket }) => void socket.destroy());
    await once(server.listen(0, "127.0.0.1"), "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const thrown = (): Promise<unknown> => fetch(url).catch((error: unknown) => error);
    const broken = await thrown();
    await promisify(server.close.bind(server))();
    const refused = await thrown();
    expect([broken, refused]).toMatchObject([{ message: "fetch failed" }, { message: "fetch failed" }]);
    expect([broken, refused].map(kindOf)).toEqual(["transient", "transient"]);
    const timedOut = await new Promise((resolve) => {
      const signal = AbortSignal.timeout(1);
      signal.addEventListener("abort", () => resolve(signal.reason));
    });
    expect(kindOf(timedOut)).toBe("transient");
  });

  it("believes errors that call themselves retryable, and a server that calls the fault its own", () => {
    expect(kindOf(having({ retryable: true }))).toBe("transient");
    expect(kindOf(having({ $retryable: { throttling: true } }))).toBe("transient");
    const unknown = { ...ofAws, name: "Odd", $fault: "server" as const };
    for (const [httpStatusCode, kind] of [
      [500, "transient"],
      [503, "transient"],
      [429, "transient"],
      [400, "permanent"],
    ] as const) {
      const error = new DynamoDBServiceException({ ...unknown, $metadata: { httpStatusCode } });
      expect([httpStatusCode, kindOf(error)]).toEqual([httpStatusCode, kind]);
    }
  });

  it("tries a cancelled transaction for ever if nothing but others were in its way", () => {
    expect(kindOf(cancelled("None", "TransactionConflict"))).toBe("transient");
    expect(kindOf(cancelled("ThrottlingError", undefined))).toBe("transient");
    expect(kindOf(cancelled("TransactionConflict", "ConditionalCheckFailed"))).toBe("permanent");
    expect(kindOf(cancelled("ThrottlingError", "ValidationError"))).toBe("permanent");
    expect(kindOf(cancelled("ConditionalCheckFailed"))).toBe("permanent");
    expect(kindOf(cancelled())).toBe("permanent");
  });

  it("knows what errors of ours mean", () => {
    const error = new RetryAfterError("later", { retryAfterMs: 250 });
    expect(classifyFailure(error)).toEqual({ kind: "transient", retryAfterMs: 250 });
    expect(kindOf(new NonRetryableError("never"))).toBe("final");
    expect(kindOf(new UncertainWriteError({ mayBeWritten: true, cause: new Error("lost") }))).toBe(
      "transient",
    );
    expect(kindOf(new ProjectionBusyError("p", { mayBeWritten: false }))).toBe("transient");
    expect(kindOf(new InvalidDocumentError("k", "no"))).toBe("permanent");
    expect(kindOf(new DocumentTooLargeError({ key: "k", bytes: 2, maxBytes: 1 }))).toBe("permanent");
  });

  it("tells them by their code, wherever their class was loaded", () => {
    expect(kindOf(coded("nonRetryable"))).toBe("final");
    expect(classifyFailure(having({ code: "retryAfter", retryAfterMs: 5 }))).toEqual({
      kind: "transient",
      retryAfterMs: 5,
    });
    // What must not be tried again says so louder than anything else.
    expect(kindOf(having({ code: "nonRetryable", retryable: true, name: "TimeoutError" }))).toBe("final");
  });

  it("tries a few times what it knows nothing about", () => {
    expect(kindOf(new ResourceNotFoundException(ofAws))).toBe("permanent");
    expect(kindOf(new ItemCollectionSizeLimitExceededException(ofAws))).toBe("permanent");
    expect(kindOf(new TypeError("x is not a function"))).toBe("permanent");
    expect(kindOf(having({ retryable: "true", $retryable: null, code: 503 }))).toBe("permanent");
    expect(kindOf(coded("ENOENT"))).toBe("permanent");
    const thrown = ["ThrottlingException", 503, null, undefined, { name: "TimeoutError", retryable: true }];
    for (const value of thrown) expect(kindOf(value)).toBe("permanent");
  });
});
