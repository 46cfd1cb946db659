import { findDifference, show } from "./difference.ts";

/** A class of errors. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/**
 * The error that a command has to be refused with: its class, a part of its message or a pattern for it, an error
 * that it equals (class, message, cause and fields), some of its fields, or a function that says whether it is the one.
 */
export type ExpectedError =
  | ErrorClass
  | string
  | RegExp
  | Error
  | Readonly<Record<string, unknown>>
  | ((thrown: unknown) => boolean);

/** How an error that was thrown is compared. */
export interface ErrorMatcher {
  /** What is expected, in one line. */
  readonly description: string;
  /** What is wrong with the error thrown; undefined when it is as expected. */
  readonly findMismatch: (thrown: unknown) => ErrorMismatch | undefined;
}

interface ErrorMismatch {
  readonly summary: string;
  readonly diff?: { readonly actual: unknown; readonly expected: unknown };
}

/** @throws TypeError when `expected` is nothing that an error can be compared with, or has no fields. */
export function createErrorMatcher(expected: ExpectedError): ErrorMatcher {
  if (typeof expected === "function") {
    return isClass(expected) ? classMatcher(expected) : checkMatcher(expected);
  }
  if (typeof expected === "string" || expected instanceof RegExp) return messageMatcher(expected);
  if (expected instanceof Error) return errorMatcher(expected);
  if (typeof expected !== "object" || expected === null || Object.keys(expected).length === 0) {
    const wanted = "an error's class, message, pattern or fields, an error or a function";
    throw new TypeError(`thenThrows takes ${wanted}; it got ${show(expected)}.`);
  }
  return fieldsMatcher(expected);
}

function classMatcher(expected: ErrorClass): ErrorMatcher {
  return {
    description: expected.name,
    findMismatch: (thrown) =>
      thrown instanceof expected
        ? undefined
        : { summary: `${nameOf(thrown)} was thrown, expected ${expected.name}` },
  };
}

function checkMatcher(expected: (thrown: unknown) => boolean): ErrorMatcher {
  const name = expected.name || "the function given";
  return {
    description: `an error that ${name} accepts`,
    findMismatch: (thrown) =>
      expected(thrown) ? undefined : { summary: `${name} does not accept the ${nameOf(thrown)} thrown` },
  };
}

function messageMatcher(expected: string | RegExp): ErrorMatcher {
  const verb = typeof expected === "string" ? "contain" : "match";
  return {
    description: `an error whose message ${verb === "match" ? "matches" : "contains"} ${show(expected)}`,
    findMismatch(thrown) {
      const message = messageOf(thrown);
      const fits = typeof expected === "string" ? message.includes(expected) : message.search(expected) >= 0;
      if (fits) return undefined;
      return {
        summary: `the message of the ${nameOf(thrown)} thrown does not ${verb} ${show(expected)}`,
        diff: { actual: message, expected },
      };
    },
  };
}

function errorMatcher(expected: Error): ErrorMatcher {
  const fields = fieldsOf(expected);
  return {
    description: String(expected),
    findMismatch(thrown) {
      if (!(thrown instanceof Error && thrown.constructor === expected.constructor)) {
        return { summary: `${nameOf(thrown)} was thrown, expected ${nameOf(expected)}` };
      }
      return fieldsMismatch(fieldsOf(thrown), fields);
    },
  };
}

function fieldsMatcher(expected: Readonly<Record<string, unknown>>): ErrorMatcher {
  return {
    description: `an error with ${show(expected)}`,
    findMismatch(thrown) {
      const source = Object(thrown) as Readonly<Record<string, unknown>>;
      const keys = Object.keys(expected).filter((key) => key in source);
      return fieldsMismatch(Object.fromEntries(keys.map((key) => [key, source[key]])), expected);
    },
  };
}

function fieldsMismatch(actual: object, expected: object): ErrorMismatch | undefined {
  const summary = findDifference(actual, expected, "error");
  return summary === undefined ? undefined : { summary, diff: { actual, expected } };
}

/** What makes one error differ from another of its class: all but the stack. */
function fieldsOf(error: Error): object {
  const { name, message, cause } = error;
  return Object.assign({ name, message }, cause === undefined ? {} : { cause }, error);
}

/** A class cannot be called, so that its `prototype` is fixed; one in the style of ES5 has that of an error. */
function isClass(callable: ErrorClass | ((thrown: unknown) => boolean)): callable is ErrorClass {
  const prototype = Object.getOwnPropertyDescriptor(callable, "prototype");
  return prototype?.writable === false || prototype?.value instanceof Error;
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : show(thrown);
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
