import type { Output } from "../shell/output.ts";
import { type Bill, type BillLine, capacityOf } from "./bill.ts";
import type { Estimate } from "./estimate.ts";
import { STORE_TABLES } from "./table-use.ts";

/** An estimate for people: item by item, on demand and provisioned, and what else there is. */
export async function showEstimate(output: Output, estimate: Estimate): Promise<void> {
  await showOnDemand(output, estimate);
  await output.writeLine("");
  await showProvisioned(output, estimate);
  if (estimate.elsewhere.length > 0) {
    await output.writeLine("");
    await showElsewhere(output, estimate);
  }
  await output.writeLine("");
  for (const note of notesOn(estimate)) await output.writeLine(note);
}

async function showOnDemand(output: Output, { use, onDemand, currency }: Estimate): Promise<void> {
  const table = output.table([
    { title: "A MONTH, ON DEMAND" },
    { title: "TIMES", align: "right" },
    { title: "WRITE UNITS", align: "right" },
    { title: "READ UNITS", align: "right" },
    { title: "AND", align: "right" },
    { title: currency, align: "right" },
  ]);
  const times = new Map(use.tables.map((each) => [each.name, each.times]));
  for (const line of onDemand.lines) {
    const { writeUnits, readUnits, ...others } = line.amounts;
    const units = [times.get(line.name), writeUnits, readUnits].map(formatAmount);
    await table.add([line.name, ...units, formatOthers(others), formatCost(line)]);
  }
  await table.add(["total", "", "", "", "", formatTotal(onDemand)]);
  await table.flush();
}

async function showProvisioned(
  output: Output,
  { use, workload, provisioned, currency }: Estimate,
): Promise<void> {
  const table = output.table([
    { title: `PROVISIONED, ${workload.peakFactor} × THE AVERAGE` },
    { title: "WCU", align: "right" },
    { title: "RCU", align: "right" },
    { title: "AND", align: "right" },
    { title: currency, align: "right" },
  ]);
  const capacities = new Map(
    STORE_TABLES.map((name) => [`capacity of ${name}`, capacityOf(use, name, workload.peakFactor)]),
  );
  for (const line of provisioned.lines) {
    const capacity = capacities.get(line.name);
    const units = [capacity?.writes, capacity?.reads].map(formatAmount);
    await table.add([
      line.name,
      ...units,
      capacity === undefined ? formatOthers(line.amounts) : "",
      formatCost(line),
    ]);
  }
  await table.add(["total", "", "", "", formatTotal(provisioned)]);
  await table.flush();
}

async function showElsewhere(output: Output, { elsewhere, currency }: Estimate): Promise<void> {
  const table = output.table([
    { title: "ELSEWHERE" },
    { title: currency, align: "right" },
    { title: "WHAT IT STANDS FOR" },
  ]);
  for (const { name, what, bill } of elsewhere) await table.add([name, formatTotal(bill), what]);
  await table.flush();
}

function notesOn({ region, pricesOf, countsFree, workload, onDemand, ...rest }: Estimate): string[] {
  const bills = [onDemand, rest.provisioned, ...rest.elsewhere.map(({ bill }) => bill)];
  const doubtful = new Set(bills.flatMap(({ lines }) => lines.flatMap(({ unverified }) => unverified)));
  const free = countsFree ? "what is free each month is taken off" : "nothing is taken as free";
  const { invocationMs, invocationMb, host } = workload;
  return [
    `List prices of ${region}, looked through on ${pricesOf}; ${free}. What TTL deletes is free.`,
    host === "lambda"
      ? `Not counted: what your own functions do, and cold starts. Invocations of ours: ${invocationMs} ms of ${invocationMb} MB.`
      : "Not counted: the machines that workers run on.",
    ...(doubtful.size > 0
      ? [`* with prices that are not verified for this Region: ${[...doubtful].join(", ")}.`]
      : []),
  ];
}

function formatAmount(amount: number | undefined): string {
  if (amount === undefined || amount === 0) return "";
  return amount < 10 ? String(Number(amount.toPrecision(2))) : Math.round(amount).toLocaleString("en-US");
}

const UNITS: Readonly<Record<string, string>> = {
  gbMonths: "GB",
  gbSeconds: "GB-s",
  invocations: "invocations",
  requests: "requests",
};

function formatOthers(amounts: Readonly<Record<string, number>>): string {
  return Object.entries(amounts)
    .map(([unit, amount]) => `${formatAmount(amount)} ${UNITS[unit] ?? unit}`)
    .join(", ");
}

function formatCost({ cost, unverified }: Pick<BillLine, "cost" | "unverified">): string {
  const text = cost.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return `${text}${unverified.length === 0 ? " " : "*"}`;
}

function formatTotal({ lines, total: cost }: Bill): string {
  return formatCost({ cost, unverified: lines.flatMap(({ unverified }) => unverified) });
}
