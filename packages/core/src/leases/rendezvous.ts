import { createHash } from "node:crypto";

/**
 * Who of the members a resource belongs to: the one with the highest hash of both names. All that know the same members
 * agree without a word, and when one comes or goes, only its own resources change hands.
 */
export function rendezvousOwner(resource: string, members: Iterable<string>): string | undefined {
  let best: { readonly member: string; readonly weight: string } | undefined;
  for (const member of members) {
    const weight = createHash("sha1").update(`${member}\n${resource}`).digest("hex");
    if (best === undefined || weight > best.weight) best = { member, weight };
  }
  return best?.member;
}
