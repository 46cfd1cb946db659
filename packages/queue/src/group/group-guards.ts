/** What keeps consumers right, as a value: tests switch each part off to see that it is needed. */
export interface GroupGuards {
  /** Whether a transaction moves a cursor only for whoever holds the lane's lease. */
  readonly fences: boolean;
  /** Whether the messages behind a parked one of their key are parked too. */
  readonly parksBehind: boolean;
  /** Whether the cursor moves after what was done, not before. */
  readonly movesLast: boolean;
  /** Whether lanes wait for those before them to be sealed. */
  readonly waitsForSeals: boolean;
  /** Whether a lane looks at the group's definition once it has its lease, before it begins. */
  readonly looksAgain: boolean;
}

export const GROUP_GUARDS: GroupGuards = {
  fences: true,
  parksBehind: true,
  movesLast: true,
  waitsForSeals: true,
  looksAgain: true,
};
