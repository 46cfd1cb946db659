import { count, type Output, writeLine } from "./output.ts";

const WIDTH = 32;
const REDRAW_MS = 100;
/** Without a terminal: a line for each such part. */
const PARTS = 5;

/** How far a number of events is, and how many a second. */
export interface ProgressBar {
  /** `total`: when it is another one by now. */
  update(done: number, total?: number): void;
}

/** A bar that is drawn again and again in a terminal; elsewhere a few plain lines. */
export function createProgressBar(output: Output, expected: number): ProgressBar {
  const startedAt = performance.now();
  let drawnAt = 0;
  let part = 0;
  return {
    update(done, total = expected) {
      const now = performance.now();
      const seconds = (now - startedAt) / 1_000;
      const line = `${count(done)} of ${count(total)} events  ${count(done / seconds)} events/s`;
      if (output.isTTY === true) {
        if (done < total && now - drawnAt < REDRAW_MS) return;
        drawnAt = now;
        output.write(`\r${bar(done / total)}  ${line}\u001B[K${done === total ? "\n" : ""}`);
      } else if (Math.floor((done * PARTS) / total) > part) {
        part += 1;
        writeLine(output, line);
      }
    },
  };
}

function bar(share: number): string {
  const full = Math.round(share * WIDTH);
  return "█".repeat(full) + "░".repeat(WIDTH - full);
}
