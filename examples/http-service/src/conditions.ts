import { createHash } from "node:crypto";
import { Problem } from "./problem.ts";

/** The entity tag of a version. */
export function etagOf(version: number): string {
  return `"${version}"`;
}

/** Whether a GET is answered with 304: the caller has this version already. */
export function isKnown(ifNoneMatch: string | undefined, version: number): boolean {
  const tags = ifNoneMatch?.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags?.some((tag) => tag === "*" || tag === etagOf(version)) ?? false;
}

/**
 * The version that the caller has seen and bases its request on; undefined for `*`, or without a condition.
 *
 * @throws Problem 428 when there has to be one, 400 for what is no entity tag of ours.
 */
export function expectedVersionOf(ifMatch: string | undefined, isRequired: boolean): number | undefined {
  if (ifMatch === undefined && isRequired) {
    throw new Problem(428, "ifMatchMissing", "Send If-Match with the ETag that this change is based on.");
  }
  if (ifMatch === undefined || ifMatch === "*") return undefined;
  const version = /^"(\d{1,15})"$/.exec(ifMatch)?.[1];
  if (version === undefined) {
    throw new Problem(400, "ifMatchInvalid", 'If-Match is no ETag of this service; one looks like "3".');
  }
  return Number(version);
}

/** What tells whether two requests ask for the same. */
export function fingerprintOf(body: string): string {
  return createHash("sha256").update(body).digest("base64url");
}
