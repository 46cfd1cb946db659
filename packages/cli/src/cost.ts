import { estimate } from "./cost/estimate.ts";
import { WORKLOAD_ARGS, workloadFrom } from "./cost/options.ts";
import { defaultPrices, readPrices, regionsOf } from "./cost/prices.ts";
import { showEstimate } from "./cost/show-estimate.ts";
import { type Command, defineCommand } from "./shell/command.ts";
import { UsageError } from "./shell/usage-error.ts";

/** `tuppence cost`: looks at no table, and needs no account. */
export const COST_COMMAND: Command = defineCommand({
  description: "Tell what a workload would cost on AWS a month, and elsewhere",
  args: {
    ...WORKLOAD_ARGS,
    region: { type: "string", description: "AWS Region whose prices are taken (default: that of the table)" },
    prices: { type: "string", description: "A table of prices in the place of ours", valueHint: "file" },
    "free-tier": { type: "boolean", description: "Take off what is free each month in an account" },
  },
  async run(args, { output }) {
    const workload = workloadFrom(args);
    const { eventsPerDay, queueMessagesPerDay, schedulesPerDay } = workload;
    if (eventsPerDay + queueMessagesPerDay + schedulesPerDay === 0) {
      throw new UsageError(
        "Nothing costs nothing: give --events-per-day, --queue-messages-per-day or --schedules-per-day.",
      );
    }
    const file = args["prices"];
    const prices = typeof file === "string" ? await readPrices(file) : defaultPrices();
    const { region = prices.baseRegion } = args as { readonly region?: string };
    const regions = regionsOf(prices);
    if (!regions.includes(region)) {
      throw new UsageError(
        `There are no prices of ${region}, but of ${regions.join(", ")}; --prices takes a table of your own.`,
      );
    }
    const found = await estimate(workload, { prices, region, countsFree: args["free-tier"] === true });
    return output.json ? output.writeJson(found) : showEstimate(output, found);
  },
});
