/** Something that must not be, by what it is called in all runs. */
export interface Problem {
  readonly kind: ProblemKind;
  readonly what: string;
}

export type ProblemKind =
  | "alarm"
  | "chain broken"
  | "stream unreadable"
  | "event lost"
  | "event changed"
  | "event nobody intended"
  | "event twice"
  | "part of a transaction"
  | "refused and stored"
  | "reordered"
  | "overdrawn"
  | "log incomplete"
  | "log out of order"
  | "logged twice"
  | "document wrong"
  | "counter wrong"
  | "reaction missing"
  | "position behind"
  | "message lost"
  | "message changed"
  | "message nobody intended"
  | "message twice"
  | "not handled"
  | "handled out of order"
  | "effect wrong"
  | "parked"
  | "job lost"
  | "job twice"
  | "job nobody intended"
  | "job early"
  | "cancelled and fired"
  | "series forked"
  | "series with holes";

export class Problems {
  readonly all: Problem[] = [];

  add(kind: ProblemKind, what: string): void {
    this.all.push({ kind, what });
  }
}
