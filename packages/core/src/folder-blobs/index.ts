import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Blobs } from "../store/body-options.ts";

/** Parts of letters, digits, `-`, `_` and `.`, none of which begins with a dot: no way out of the folder. */
const SAFE_NAME = /^[\w-][\w.-]*(?:\/[\w-][\w.-]*)*$/;

/**
 * Blobs as files in a folder, for tests and local work: of one machine, and never cleaned up. A file appears whole or not
 * at all: it is written under another name, flushed and renamed.
 *
 * `put` and `get` throw a TypeError for a name that leads anywhere else, and what the file system throws.
 */
export function createFolderBlobs(path: string): Blobs {
  const root = resolve(path);
  const fileOf = (name: string): string => {
    if (SAFE_NAME.test(name)) return join(root, name);
    throw new TypeError(`${JSON.stringify(name)} can't be the name of a file.`);
  };
  return {
    async put(name, body) {
      const file = fileOf(name);
      await mkdir(dirname(file), { recursive: true });
      const temporary = join(dirname(file), `.${randomUUID()}`);
      try {
        await writeFlushed(temporary, body);
        await rename(temporary, file);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
    async get(name) {
      try {
        return await readFile(fileOf(name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
  };
}

async function writeFlushed(path: string, body: Uint8Array): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(body);
    await file.sync();
  } finally {
    await file.close();
  }
}
