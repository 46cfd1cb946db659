const UNITS = [
  { name: "d", seconds: 86_400 },
  { name: "h", seconds: 3_600 },
  { name: "min", seconds: 60 },
] as const;

/** A duration as people say it: in the largest unit of which there are two or more. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  const unit = UNITS.find((each) => seconds >= 2 * each.seconds);
  return unit === undefined ? `${seconds} s` : `${Math.round(seconds / unit.seconds)} ${unit.name}`;
}
