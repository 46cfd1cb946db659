import { setMaxListeners } from "node:events";

/**
 * Lets any number of calls wait for one signal. Node warns of a leak from the 11th listener on, but each call takes
 * its own away when it ends. (A signal derived for each call would do too; on Node 20, a long-lived signal never
 * lets go of all that were derived from it.)
 */
export function allowManyWaiters(signal: AbortSignal): AbortSignal {
  if (signal instanceof EventTarget) setMaxListeners(0, signal);
  return signal;
}
