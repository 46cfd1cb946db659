import type { ChainStorage } from "../chain/storage.ts";
import { auditChainLog, type AuditOptions, type AuditReport } from "../log/audit-log.ts";
import { createChainSequencer, type Sequencer } from "../log/sequencer.ts";
import type { Runtime } from "../runtime.ts";

export interface MemoryLogOptions {
  /** From `createMemoryStorage()`. */
  readonly storage: ChainStorage;
  /** Clock, chance and waiting. Default: the system's. */
  readonly runtime?: Runtime | undefined;
}

/**
 * A sequencer of the streams in a storage, for tests of what feeds one. A store in memory needs none: its log is
 * always up to date.
 */
export function createMemorySequencer({ storage, runtime }: MemoryLogOptions): Sequencer {
  return createChainSequencer({ storage, runtime });
}

/** `auditLog` of the streams and the log in a storage. */
export function auditMemoryLog(options: MemoryLogOptions & AuditOptions): Promise<AuditReport> {
  return auditChainLog(options, options);
}
