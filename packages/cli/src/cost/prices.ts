import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { UsageError } from "../shell/usage-error.ts";
import { type PriceName, PRICE_NAMES } from "./price-names.ts";

/** What AWS asks for, as `prices.json` has it. */
export interface PriceTable {
  /** When it was last looked through: `2026-11-30`. */
  readonly date: string;
  readonly currency: string;
  /** The Region whose prices stand for those that another one lacks. */
  readonly baseRegion: string;
  readonly prices: Readonly<Record<PriceName, PriceEntry>>;
}

interface PriceEntry {
  /** What is paid for, in words. */
  readonly unit: string;
  /** How many of it the price is for. */
  readonly per: number;
  /** How many of it are free each month, for always. */
  readonly free: number;
  /** The page that says so. */
  readonly source: string;
  /** Of what was seen. */
  readonly date: string;
  readonly regions: Readonly<Record<string, RegionPrice>>;
}

interface RegionPrice {
  readonly price: number;
  /** Whether it was found in public sources that agree. */
  readonly verified: boolean;
}

/** The table that comes with this package. */
export function defaultPrices(): PriceTable {
  const text = readFileSync(new URL("../../prices.json", import.meta.url), "utf8");
  return checkPrices(JSON.parse(text), "prices.json");
}

/**
 * A table of the user's own.
 *
 * @throws UsageError when it can't be read, or is none.
 */
export async function readPrices(file: string): Promise<PriceTable> {
  let table: unknown;
  try {
    table = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw new UsageError(`--prices ${file} can't be read: ${(error as Error).message}.`);
  }
  return checkPrices(table, `--prices ${file}`);
}

/** @throws UsageError that says where a table is wrong, and what it has to be. */
export function checkPrices(table: unknown, what: string): PriceTable {
  const expect = (isRight: boolean, path: string, value: unknown, wanted: string): void => {
    if (isRight) return;
    throw new UsageError(
      `${what}: ${path} is ${JSON.stringify(value) ?? "missing"}; it has to be ${wanted}.`,
    );
  };
  const objectAt = (value: unknown, path: string): Readonly<Record<string, unknown>> => {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    expect(isObject, path, value, "an object");
    return value as Readonly<Record<string, unknown>>;
  };
  const root = objectAt(table, "it");
  for (const name of ["date", "currency", "baseRegion"]) {
    expect(isText(root[name]), name, root[name], "a text");
  }
  const prices = objectAt(root["prices"], "prices");
  for (const name of Object.keys(prices)) {
    expect((PRICE_NAMES as readonly string[]).includes(name), `prices.${name}`, prices[name], "left out");
  }
  for (const name of PRICE_NAMES) {
    const path = `prices.${name}`;
    const entry = objectAt(prices[name], path);
    for (const text of ["unit", "source", "date"]) {
      expect(isText(entry[text]), `${path}.${text}`, entry[text], "a text");
    }
    expect(isAmount(entry["per"]) && entry["per"] > 0, `${path}.per`, entry["per"], "a number above 0");
    expect(isAmount(entry["free"]), `${path}.free`, entry["free"], "a number from 0");
    const regions = objectAt(entry["regions"], `${path}.regions`);
    for (const [region, value] of Object.entries(regions)) {
      const place = `${path}.regions.${region}`;
      const { price, verified } = objectAt(value, place);
      expect(isAmount(price), `${place}.price`, price, "a number from 0");
      expect(typeof verified === "boolean", `${place}.verified`, verified, "true or false");
    }
    const base = String(root["baseRegion"]);
    expect(base in regions, `${path}.regions.${base}`, regions[base], "there: it is the base Region");
  }
  return root as unknown as PriceTable;
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

/** A price in a Region. */
export interface Price {
  readonly name: PriceName;
  /** Of one. */
  readonly each: number;
  /** Free each month. */
  readonly free: number;
  readonly verified: boolean;
}

/** The prices of a Region: those that it lacks are the base Region's, and not verified. */
export function pricesIn(table: PriceTable, region: string): (name: PriceName) => Price {
  return (name) => {
    const { per, free, regions } = table.prices[name];
    const own = regions[region];
    const { price, verified } = own ?? {
      price: regions[table.baseRegion]?.price ?? Number.NaN,
      verified: false,
    };
    return { name, each: price / per, free, verified };
  };
}

/** The Regions that have prices of their own. */
export function regionsOf(table: PriceTable): readonly string[] {
  return [...new Set(Object.values(table.prices).flatMap(({ regions }) => Object.keys(regions)))];
}
