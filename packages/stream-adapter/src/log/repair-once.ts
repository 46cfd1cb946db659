/** Shards tell of their gaps each by itself; those that come while one audit begins share it. */
export function repairOnce(audit: () => Promise<unknown>): () => Promise<void> {
  let next: Promise<void> | undefined;
  let running: Promise<void> = Promise.resolve();
  const repairAfter = async (before: Promise<void>): Promise<void> => {
    await Promise.allSettled([before]);
    next = undefined;
    await audit();
  };
  return () => {
    next ??= running = repairAfter(running);
    return next;
  };
}
