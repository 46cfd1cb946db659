import { existsSync, fdatasyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Lines of JSON that outlive whoever writes them, be it one process after the other or several at once. */
export class Journal<Entry extends object> {
  readonly #file: number;

  constructor(folder: string, name: string) {
    this.#file = openSync(fileOf(folder, name), "a");
  }

  /** Returns once the entry is on disk, behind all that were written before it, by whomever. */
  write(entry: Entry): void {
    // A line of its own also behind one that a kill has cut off.
    writeSync(this.#file, `\n${JSON.stringify(entry)}\n`);
    fdatasyncSync(this.#file);
  }
}

/** What was written, in order. What a kill cut off was not: whoever wrote it was not told that it is there. */
export function readJournal<Entry extends object>(folder: string, name: string): readonly Entry[] {
  const file = fileOf(folder, name);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.flatMap((line) => {
    if (line === "") return [];
    try {
      return [JSON.parse(line) as Entry];
    } catch (error) {
      if (error instanceof SyntaxError) return [];
      throw error;
    }
  });
}

function fileOf(folder: string, name: string): string {
  return join(folder, `${name}.jsonl`);
}
