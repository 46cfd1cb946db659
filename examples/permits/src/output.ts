import { styleText } from "node:util";

/** Where the demo writes: standard output, or a test. */
export interface Output {
  write(text: string): unknown;
  /** Whether a line can be drawn again. */
  readonly isTTY?: boolean | undefined;
  /** Whether colors are welcome; a terminal asks NO_COLOR and its like. */
  hasColors?(): boolean;
}

export function bold(output: Output, text: string): string {
  return output.hasColors?.() === true ? styleText("bold", text, { validateStream: false }) : text;
}

export function writeLine(output: Output, line = ""): void {
  output.write(`${line}\n`);
}

const integers = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** `8577` as `8,577`. */
export function count(value: number): string {
  return integers.format(value);
}
