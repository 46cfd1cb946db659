/** Who waits for which signal. */
const WAITING = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once when a signal is aborted; not once what it answers was called. However many wait for one signal, it has one listener: a signal goes through
 * all those that it has when another one comes or goes.
 */
export function onAbort(signal: AbortSignal, callBack: () => void): () => void {
  let waiting = WAITING.get(signal);
  if (waiting === undefined) {
    const all = new Set<() => void>();
    signal.addEventListener("abort", () => all.forEach((each) => each()), { once: true });
    WAITING.set(signal, all);
    waiting = all;
  }
  const own = (): void => callBack();
  waiting.add(own);
  return () => waiting.delete(own);
}
