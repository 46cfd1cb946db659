import { expect, it } from "vitest";
import { runProjectionHistory } from "./projection-model.ts";

const HISTORIES = Number(process.env["HISTORIES"] ?? 30);
const SEED = Number(process.env["SEED"] ?? 1);
it("model", { timeout: 600_000 }, async () => {
  const problems: string[] = [];
  const sums: Record<string, number> = {};
  const t = performance.now();
  for (let seed = SEED; seed < SEED + HISTORIES; seed++) {
    const { problems: found, counts } = await runProjectionHistory(seed);
    problems.push(...found.slice(0, 2));
    for (const [k, v] of Object.entries(counts)) sums[k] = (sums[k] ?? 0) + v;
  }
  console.log(sums, performance.now() - t);
  console.log(problems.slice(0, 30).join("\n"), problems.length);
  expect(problems.length).toBe(0);
});
