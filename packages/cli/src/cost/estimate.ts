import { type Alternative, alternativesTo } from "./alternatives.ts";
import { ratesOf } from "./batching.ts";
import { type Bill, type BillOptions, onDemandBill, provisionedBill } from "./bill.ts";
import { measureSample } from "./measure-sample.ts";
import { monthlyUse } from "./monthly-use.ts";
import { type PriceTable, pricesIn } from "./prices.ts";
import type { MonthlyUse } from "./table-use.ts";
import type { Workload } from "./workload.ts";

/** What a workload costs a month, here and elsewhere. */
export interface Estimate {
  readonly workload: Workload;
  readonly region: string;
  readonly pricesOf: string;
  readonly currency: string;
  readonly countsFree: boolean;
  readonly use: MonthlyUse;
  readonly onDemand: Bill;
  readonly provisioned: Bill;
  readonly elsewhere: readonly Alternative[];
}

export async function estimate(
  workload: Workload,
  {
    prices,
    region,
    countsFree,
  }: { readonly prices: PriceTable; readonly region: string; readonly countsFree: boolean },
): Promise<Estimate> {
  const sample = await measureSample(workload, ratesOf(workload).appendsPerPage);
  const use = monthlyUse(workload, sample);
  const { recovery, peakFactor } = workload;
  const options: BillOptions = { priceOf: pricesIn(prices, region), countsFree, recovery, peakFactor };
  return {
    workload,
    region,
    pricesOf: prices.date,
    currency: prices.currency,
    countsFree,
    use,
    onDemand: onDemandBill(use, options),
    provisioned: provisionedBill(use, options),
    elsewhere: alternativesTo(workload, options),
  };
}
