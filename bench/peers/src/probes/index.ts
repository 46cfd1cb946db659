import type { Probe } from "../probe.ts";
import { gap } from "./gap.ts";
import { halfWritten } from "./half-written.ts";
import { lostAppend, lostCommand } from "./lost-reply.ts";
import { manyEvents } from "./many-events.ts";
import { largeBatch, largeEvent } from "./too-large.ts";

export const PROBES: readonly Probe[] = [
  gap,
  halfWritten,
  manyEvents,
  largeEvent,
  largeBatch,
  lostAppend,
  lostCommand,
];
