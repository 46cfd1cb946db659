/** Shards tell of their gaps each by itself; those that come while one audit is still to begin share it. */
export function repairOnce(audit: () => Promise<unknown>): () => Promise<void> {
  let next: Promise<void> | undefined;
  let running: Promise<void> = Promise.resolve();
  const repairAfter = async (before: Promise<void>): Promise<void> => {
    await before.catch(() => undefined);
    next = undefined;
    await audit();
  };
  return () => {
    next ??= repairAfter(running);
    running = next;
    return next;
  };
}
