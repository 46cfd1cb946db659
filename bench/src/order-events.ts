/**
 * Events of about 300 bytes of JSON as a shop would have them: nested, with texts, numbers and booleans, each
 * different and always the same from run to run.
 */

interface OrderPlaced {
  readonly orderId: string;
  readonly customer: { readonly id: string; readonly name: string };
  readonly shipTo: { readonly street: string; readonly city: string; readonly postalCode: string };
  readonly lines: readonly { readonly sku: string; readonly quantity: number; readonly priceCents: number }[];
  readonly totalCents: number;
  readonly express: boolean;
}

export interface OrderEvent {
  readonly type: "OrderPlaced";
  readonly data: OrderPlaced;
}

const FIRST_NAMES = ["Ada", "Barbara", "Edsger", "Grace", "Hedy", "Katherine", "Leslie", "Niklaus"] as const;
const LAST_NAMES = [
  "Bartik",
  "Dijkstra",
  "Hopper",
  "Johnson",
  "Lamarr",
  "Liskov",
  "Lovelace",
  "Wirth",
] as const;
const STREETS = ["Canal Street", "Harbour Road", "Hill Lane", "Market Square", "Mill Street"] as const;
const CITIES = ["Aarhus", "Bruges", "Cork", "Ghent", "Porto", "Tampere", "Turin", "Utrecht"] as const;

/** So many different orders; the same seed gives the same ones. */
export function orderEvents(count: number, seed = 1): OrderEvent[] {
  const below = randomIntegers(seed);
  return Array.from({ length: count }, () => orderEvent(below));
}

type Below = (limit: number) => number;

function orderEvent(below: Below): OrderEvent {
  const pick = (texts: readonly string[]): string => texts[below(texts.length)] ?? "";
  const lines = Array.from({ length: 2 }, () => ({
    sku: `SKU-${10_000 + below(90_000)}`,
    quantity: 1 + below(5),
    priceCents: 199 + below(20_000),
  }));
  return {
    type: "OrderPlaced",
    data: {
      orderId: `o-${hex(below)}${hex(below)}`,
      customer: { id: `c-${hex(below)}`, name: `${pick(FIRST_NAMES)} ${pick(LAST_NAMES)}` },
      shipTo: {
        street: `${pick(STREETS)} ${1 + below(200)}`,
        city: pick(CITIES),
        postalCode: `${1_000 + below(9_000)}`,
      },
      lines,
      totalCents: lines.reduce((total, line) => total + line.quantity * line.priceCents, 0),
      express: below(4) === 0,
    },
  };
}

function hex(below: Below): string {
  return below(0x1_0000_0000).toString(16).padStart(8, "0");
}

/** Mulberry32: whole numbers from 0 up to, not including, a limit. */
function randomIntegers(seed: number): Below {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * limit);
  };
}
