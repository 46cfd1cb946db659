import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { type Estimate, estimate } from "../src/cost/estimate.ts";
import { defaultPrices } from "../src/cost/prices.ts";
import { workloadOf } from "../src/cost/workload.ts";
import { runHere } from "./cli-process.ts";

/** The tables of docs/cost.md are what the calculator says. `UPDATE_DOCS=1` writes them. */

const PAGE = new URL("../../../docs/cost.md", import.meta.url);

const REGION = /(<!-- region ([\w-]+) -->\n)(.*?)(<!-- endregion -->)/gs;

/** Has every region of a page written anew. */
async function rewritten(page: string): Promise<string> {
  const texts = new Map<string, string>();
  for (const [, , name = "", text = ""] of page.matchAll(REGION))
    texts.set(name, await contentOf(name, text));
  return page.replaceAll(REGION, (_, start: string, name: string, __: string, end: string) =>
    [start, texts.get(name), end].join(""),
  );
}

async function contentOf(name: string, text: string): Promise<string> {
  if (name === "ladder") return ladder();
  const command = /^\$ tuppence (.*)$/m.exec(text)?.[1] ?? "";
  const { stdout, stderr, exitCode } = await runHere(command.split(" "));
  expect({ name, stderr, exitCode }).toEqual({ name, stderr: "", exitCode: 0 });
  return `\`\`\`\n$ tuppence ${command}\n${stdout}\`\`\`\n`;
}

const EVENTS_PER_DAY = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];

async function ladder(): Promise<string> {
  const estimates: Estimate[] = [];
  for (const eventsPerDay of EVENTS_PER_DAY) {
    const options = { prices: defaultPrices(), region: "us-east-1", countsFree: false };
    estimates.push(await estimate(workloadOf({ eventsPerDay }), options));
  }
  const format = (cost: number): string =>
    cost < 10 ? cost.toFixed(2) : Math.round(cost).toLocaleString("en-US");
  const others = estimates[0]?.elsewhere.map((each) => each.name) ?? [];
  const rows: readonly (readonly string[])[] = [
    ["events a day", "on demand", "without storage", "provisioned", ...others],
    ["--:", ...Array.from({ length: others.length + 3 }, () => "--:")],
    ...estimates.map(({ workload, onDemand, provisioned, elsewhere }) => {
      const storage = onDemand.lines.find((line) => line.name === "storage")?.cost ?? 0;
      const costs = [onDemand.total, onDemand.total - storage, provisioned.total];
      const all = [...costs, ...elsewhere.map(({ bill }) => bill.total)];
      return [workload.eventsPerDay.toLocaleString("en-US"), ...all.map(format)];
    }),
  ];
  return `${rows.map((row) => `| ${row.join(" | ")} |`).join("\n")}\n`;
}

describe("docs/cost.md", () => {
  it("shows what the calculator says", { timeout: 60_000 }, async () => {
    const page = await readFile(PAGE, "utf8");
    const names = Array.from(page.matchAll(REGION), ([, , name]) => name);
    expect(names).toEqual(["small", "medium", "gathered", "large", "large-worker", "ladder"]);
    const wanted = await rewritten(page);
    if (process.env["UPDATE_DOCS"]) await writeFile(PAGE, wanted);
    expect(await readFile(PAGE, "utf8"), "UPDATE_DOCS=1 writes it anew").toBe(wanted);
  });
});
