import { existsSync, fdatasyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Lines of JSON that outlive whoever writes them, be it one process after the other or several at once. */
export class Journal<Entry extends object> {
  readonly #path: string;
  #file: number | undefined;

  constructor(folder: string, name: string) {
    this.#path = join(folder, `${name}.jsonl`);
  }

  /** Returns once the entry is on disk, behind all that were written before it, by whomever. */
  write(entry: Entry): void {
    this.#file ??= openSync(this.#path, "a");
    // A line of its own also behind one that a kill has cut off.
    writeSync(this.#file, `\n${JSON.stringify(entry)}\n`);
    fdatasyncSync(this.#file);
  }

  /** What was written, in order. What a kill has cut off was not: whoever wrote it was not told that it is there. */
  read(): readonly Entry[] {
    if (!existsSync(this.#path)) return [];
    const lines = readFileSync(this.#path, "utf8").split("\n");
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
}
