/** What keeps schedules from being lost, or fired twice, as a value: tests switch each part off to see that it is needed. */
export interface SchedulerGuards {
  /** Whether whoever puts an entry into a minute that is near or past opens that minute again if it was closed. */
  readonly looksBack: boolean;
  /** Whether it also puts the doorbell again, if it has rung. */
  readonly putsSecondBell: boolean;
  /** Whether a minute is looked at once more between saying that it closes and closing it. */
  readonly queriesOnceMore: boolean;
  /** Whether a claim is refused when somebody else was faster. */
  readonly claimsOnCondition: boolean;
  /** Whether a cancellation is. */
  readonly cancelsOnCondition: boolean;
  /** Whether a doorbell that rang is believed to prove that its time has come, whatever the own clock says. */
  readonly trustsBell: boolean;
  /** Whether an entry stays claimed until the minute of the one that follows it was looked back at. */
  readonly handsOver: boolean;
  /** Whether a series that is resumed, moved or replaced goes on after what it has begun, however slow the clock of whoever does that. */
  readonly goesForward: boolean;
  /** Whether the cancellation of a series cares for runs that began before its latest occurrence. */
  readonly cancelsRuns: boolean;
}

export const SCHEDULER_GUARDS: SchedulerGuards = {
  looksBack: true,
  putsSecondBell: true,
  queriesOnceMore: true,
  claimsOnCondition: true,
  cancelsOnCondition: true,
  trustsBell: true,
  handsOver: true,
  goesForward: true,
  cancelsRuns: true,
};
