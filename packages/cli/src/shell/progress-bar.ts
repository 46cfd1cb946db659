/** A bar that is full at 1. */
export function progressBar(progress: number, width: number = 20): string {
  const full = Math.floor(Math.min(1, Math.max(0, progress)) * width);
  return `[${"#".repeat(full)}${"-".repeat(width - full)}]`;
}
