import { count, type Output, writeLine } from "./output.ts";

const WIDTH = 32;
const REDRAW_MS = 100;
/** Without a terminal: a line for each such part. */
const PARTS = 5;

/** What a bar shows. */
export interface Progress {
  /** What is done with the events, for people: `added`. */
  readonly what: string;
  /** How many there will be. */
  readonly total: number;
  /** How many were there before. Default 0. */
  readonly from?: number | undefined;
}

/** How many events are done, and how many a second. */
export interface ProgressBar {
  /** `total`: when it is another one by now. */
  update(done: number, total?: number): void;
  /** Shows what was updated last, and leaves it: what is written now has a line of its own, and so has the bar if it goes on. */
  leave(): void;
}

/** A bar that is drawn again and again in a terminal; elsewhere a few plain lines. */
export function createProgressBar(
  output: Output,
  { what, total: expected, from = 0 }: Progress,
): ProgressBar {
  const startedAt = performance.now();
  let drawnAt = 0;
  let part = Math.floor((from * PARTS) / expected);
  /** What was updated since it was shown. */
  let pending: (() => void) | undefined;
  let isOpen = false;
  return {
    update(done, total = expected) {
      const now = performance.now();
      pending = () => {
        const rate = (done - from) / ((now - startedAt) / 1_000);
        const line = `${count(done)} of ${count(total)} events ${what}  ${count(rate)} events/s`;
        if (output.isTTY === true) output.write(`\r${bar(done / total)}  ${line}\u001B[K`);
        else writeLine(output, line);
        isOpen = output.isTTY === true;
        drawnAt = now;
        pending = undefined;
      };
      const partsDone = Math.floor((done * PARTS) / total);
      if (output.isTTY === true ? now - drawnAt >= REDRAW_MS : partsDone > part) pending();
      part = partsDone;
    },
    leave() {
      pending?.();
      if (isOpen) writeLine(output);
      isOpen = false;
    },
  };
}

function bar(share: number): string {
  const full = Math.round(share * WIDTH);
  return "█".repeat(full) + "░".repeat(WIDTH - full);
}
