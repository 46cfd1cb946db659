import type { Blobs } from "../store/body-options.ts";

/** Blobs in memory, to look into. */
export interface MemoryBlobs extends Blobs {
  readonly bodies: Map<string, Uint8Array>;
}

export function createMemoryBlobs(): MemoryBlobs {
  const bodies = new Map<string, Uint8Array>();
  return {
    bodies,
    async put(name, body) {
      bodies.set(name, Uint8Array.from(body));
    },
    get: async (name) => bodies.get(name),
  };
}
