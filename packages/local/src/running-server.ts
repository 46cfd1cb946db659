/** A server that answers, whatever runs it. */
export interface RunningServer {
  readonly endpoint: string;
  /** What it is, for the line that says it started, e.g. "DynamoDB Local 2.6.1 (Java 17)". */
  readonly description: string;
  /** Ends it, and resolves when it is gone; again does nothing. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash would, and resolves when it is gone. */
  kill(): Promise<void>;
}

export interface ServerSettings {
  /** An absolute path to a folder that exists; default: in memory. */
  readonly dataDir: string | undefined;
  /** Default: a free one. */
  readonly port: number | undefined;
  readonly startTimeoutMs: number;
}
