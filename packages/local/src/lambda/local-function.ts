/** A Lambda function that runs on this machine. */
export interface LocalFunction {
  readonly name: string;
  /** Runs it once with an event; never rejects for what the function does: an error of it comes back as Lambda would tell it. */
  invoke(event: unknown, options?: InvokeOptions): Promise<InvokeResult>;
}
export interface InvokeOptions {
  readonly requestId?: string | undefined;
}
export interface InvokeResult {
  /** JSON text of what it returned, or of `{ errorType, errorMessage, trace }`. */
  readonly payload: string;
  /** Set when it threw, crashed or ran out of time: "Unhandled". */
  readonly functionError: string | undefined;
}
