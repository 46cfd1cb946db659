import { describe, expect, it } from "vitest";
import type { Item } from "../src/capacity/item-size.ts";
import { commitsIn, readSlots } from "../src/chain/tiling.ts";
import { formatCommitId } from "../src/commit-id.ts";
import type { Blobs, Encryption } from "../src/index.ts";
import { readPage } from "../src/log/page.ts";
import { createMemoryStorage } from "../src/memory/memory-storage.ts";
import { createChainEventStore } from "../src/store/chain-event-store.ts";
import { openEvents } from "../src/store/open-events.ts";
import { unpackState } from "../src/store/snapshot.ts";

const bytes = (base64: string): Uint8Array => Buffer.from(base64, "base64");

/** One recorded item of each stored format. What is here was written once, and stays readable for ever. */
const RECORDED: Record<string, { readonly item: Item; readonly events: readonly unknown[] }> = {
  "plain text, the first of a stream": {
    item: {
      p: { S: "permit|case-1" },
      s: { N: "1" },
      i: { B: bytes("AZqwjZPsLVHB0NcGheOtLQ==") },
      t: { N: "1763900000123" },
      c: { S: "permit" },
      e: { S: '[["ApplicationReceived",{"channel":"Internet","at":"2011-10-11T13:45:40.276"}]]' },
    },
    events: [
      {
        type: "ApplicationReceived",
        data: { channel: "Internet", at: "2011-10-11T13:45:40.276" },
        metadata: {},
        streamId: "permit|case-1",
        version: 1,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/0",
        recordedAt: new Date("2025-11-23T12:13:20.123Z"),
      },
    ],
  },
  "several events, shared and own metadata": {
    item: {
      p: { S: "permit|case-1" },
      s: { N: "2" },
      n: { N: "2" },
      i: { B: bytes("AZqwjZPsLVHB0NcGheOtLQ==") },
      t: { N: "1763900000456" },
      u: { N: "1763900000123" },
      x: { S: '{"correlationId":"r-1"}' },
      e: { S: '[["Checked",null],["Adjusted",[1],{"causationId":"c-1"}]]' },
    },
    events: [
      {
        type: "Checked",
        data: null,
        metadata: { correlationId: "r-1" },
        streamId: "permit|case-1",
        version: 2,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/0",
        recordedAt: new Date("2025-11-23T12:13:20.456Z"),
      },
      {
        type: "Adjusted",
        data: [1],
        metadata: { correlationId: "r-1", causationId: "c-1" },
        streamId: "permit|case-1",
        version: 3,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/1",
        recordedAt: new Date("2025-11-23T12:13:20.456Z"),
      },
    ],
  },
  "the second part of a transaction over two streams": {
    item: {
      p: { S: "permit|case-2" },
      s: { N: "7" },
      i: { B: bytes("AZqwjZPsLVHB0NcGheOtLQ==") },
      t: { N: "1763900000456" },
      u: { N: "1763900000123" },
      w: { S: '[["permit|case-1",2,2],["permit|case-2",7,1]]' },
      e: { S: '[["Linked",{"to":"case-1"}]]' },
    },
    events: [
      {
        type: "Linked",
        data: { to: "case-1" },
        metadata: {},
        streamId: "permit|case-2",
        version: 7,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/2",
        recordedAt: new Date("2025-11-23T12:13:20.456Z"),
      },
    ],
  },
  "the end of a closed stream, without events": {
    item: {
      p: { S: "permit|case-1" },
      s: { N: "5" },
      n: { N: "0" },
      i: { B: bytes("AZqwjZPsLVHB0NcGheOtLQ==") },
      t: { N: "1763900000789" },
      u: { N: "1763900000456" },
      k: { BOOL: true },
    },
    events: [],
  },
  "raw deflate": {
    item: {
      p: { S: "permit|case-1" },
      s: { N: "4" },
      i: { B: bytes("AZqwjZPsLVHB0NcGheOtLQ==") },
      t: { N: "1763900000789" },
      u: { N: "1763900000456" },
      e: { B: bytes("i45W8ssvSU1R0qlWKkmtKFGyUkpMT8zMU0jMS1EYZY2yRlmjrMHNUqqNjQUA") },
      f: { N: "1" },
    },
    events: [
      {
        type: "Noted",
        data: { text: "again and ".repeat(120) },
        metadata: {},
        streamId: "permit|case-1",
        version: 4,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/0",
        recordedAt: new Date("2025-11-23T12:13:20.789Z"),
      },
    ],
  },
  "the commits of a group": {
    item: {
      p: { S: "permit|case-1" },
      s: { N: "5" },
      n: { N: "3" },
      i: { B: bytes("AZqwjZPsLVHB0NcGheOtLQ==") },
      t: { N: "1763900000999" },
      u: { N: "1763900000789" },
      g: { B: bytes("AZqwjZPsLVHB0NcGheOtLQAAAAEBmrCNk+1SlKUpSlKUpSlKAAAAAg==") },
      e: { S: '[["A",1],["B",2],["C",3]]' },
    },
    events: [
      {
        type: "A",
        data: 1,
        metadata: {},
        streamId: "permit|case-1",
        version: 5,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/0",
        recordedAt: new Date("2025-11-23T12:13:20.999Z"),
      },
      {
        type: "B",
        data: 2,
        metadata: {},
        streamId: "permit|case-1",
        version: 6,
        eventId: "01KAR8V4ZDAAAAAAAAAAAAAAAA/0",
        recordedAt: new Date("2025-11-23T12:13:20.999Z"),
      },
      {
        type: "C",
        data: 3,
        metadata: {},
        streamId: "permit|case-1",
        version: 7,
        eventId: "01KAR8V4ZDAAAAAAAAAAAAAAAA/1",
        recordedAt: new Date("2025-11-23T12:13:20.999Z"),
      },
    ],
  },
  "part 1 of a commit of two items": {
    item: {
      p: { S: "permit|case-1" },
      s: { N: "8" },
      n: { N: "2" },
      i: { B: bytes("AZqwjZPsLVHB0NcGheOtLQ==") },
      t: { N: "1763900001111" },
      u: { N: "1763900000999" },
      m: { N: "3" },
      e: { S: '[["A",1],["B",2]]' },
    },
    events: [
      {
        type: "A",
        data: 1,
        metadata: {},
        streamId: "permit|case-1",
        version: 8,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/0",
        recordedAt: new Date("2025-11-23T12:13:21.111Z"),
      },
      {
        type: "B",
        data: 2,
        metadata: {},
        streamId: "permit|case-1",
        version: 9,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/1",
        recordedAt: new Date("2025-11-23T12:13:21.111Z"),
      },
    ],
  },
  "part 2 of a commit of two items": {
    item: {
      p: { S: "permit|case-1" },
      s: { N: "10" },
      i: { B: bytes("AZqwjZPsLVHB0NcGheOtLQ==") },
      t: { N: "1763900001111" },
      u: { N: "1763900001111" },
      o: { N: "2" },
      m: { N: "3" },
      e: { S: '[["C",3]]' },
    },
    events: [
      {
        type: "C",
        data: 3,
        metadata: {},
        streamId: "permit|case-1",
        version: 10,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/2",
        recordedAt: new Date("2025-11-23T12:13:21.111Z"),
      },
    ],
  },
  "schema versions above 1, without metadata and with": {
    item: {
      p: { S: "permit|case-1" },
      s: { N: "11" },
      n: { N: "2" },
      i: { B: bytes("AZqwjZPsLVHB0NcGheOtLQ==") },
      t: { N: "1763900001222" },
      u: { N: "1763900001111" },
      e: { S: '[["Moved",{"city":"Delft"},2],["Moved",{"city":"Gouda"},3,{"causationId":"c-1"}]]' },
    },
    events: [
      {
        type: "Moved",
        data: { city: "Delft" },
        metadata: {},
        streamId: "permit|case-1",
        version: 11,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/0",
        recordedAt: new Date("2025-11-23T12:13:21.222Z"),
      },
      {
        type: "Moved",
        data: { city: "Gouda" },
        metadata: { causationId: "c-1" },
        streamId: "permit|case-1",
        version: 12,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/1",
        recordedAt: new Date("2025-11-23T12:13:21.222Z"),
      },
    ],
  },
  "encrypted bodies beside a plain one: text, raw deflate, and one whose key is dropped": {
    item: {
      p: { S: "permit|case-1" },
      s: { N: "13" },
      n: { N: "4" },
      i: { B: bytes("AZqwjZPsLVHB0NcGheOtLQ==") },
      t: { N: "1763900001333" },
      u: { N: "1763900001222" },
      x: { S: '{"correlationId":"r-1"}' },
      e: { S: '[[1,"Moved","ada"],["Checked",null],[1,"Noted","bob"],[1,"Moved","gone"]]' },
      b: {
        L: [
          { B: bytes("VQ53GDojMDF3eS53NjwhLHdvdxEwOTMhdyh5Z3kudzY0ICY0ITw6Oxwxd293NnhkdygI") },
          { B: bytes("VN4Dp556HBgEh/wDfxz4fQTnBx8ZGpmZBh2ZHgRNj3nwjw1V") },
          { B: bytes("NDssdTcsITAm") },
        ],
      },
    },
    events: [
      {
        type: "Moved",
        data: { city: "Delft" },
        metadata: { causationId: "c-1" },
        streamId: "permit|case-1",
        version: 13,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/0",
        recordedAt: new Date("2025-11-23T12:13:21.333Z"),
        subject: "ada",
      },
      {
        type: "Checked",
        data: null,
        metadata: { correlationId: "r-1" },
        streamId: "permit|case-1",
        version: 14,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/1",
        recordedAt: new Date("2025-11-23T12:13:21.333Z"),
      },
      {
        type: "Noted",
        data: { text: "again and ".repeat(20) },
        metadata: {},
        streamId: "permit|case-1",
        version: 15,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/2",
        recordedAt: new Date("2025-11-23T12:13:21.333Z"),
        subject: "bob",
      },
      {
        type: "$forgotten",
        data: { type: "Moved", subject: "gone" },
        metadata: {},
        streamId: "permit|case-1",
        version: 16,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/3",
        recordedAt: new Date("2025-11-23T12:13:21.333Z"),
        subject: "gone",
      },
    ],
  },
  "blobs, in the clear and encrypted": {
    item: {
      p: { S: "permit|case-1" },
      s: { N: "17" },
      n: { N: "2" },
      i: { B: bytes("AZqwjZPsLVHB0NcGheOtLQ==") },
      t: { N: "1763900001444" },
      u: { N: "1763900001333" },
      e: {
        S:
          '[[2,"Scanned","01KAR8V4ZC5N8W3M6Q0T2Y7B9D/0-0123456789abcdef0123456789abcdef",46,' +
          '"Lq/UEpPDWTe9MgUfZuBeRb6WMxzm5woDR/SYlzH1lXo="],' +
          '[3,"Scanned","ada","01KAR8V4ZC5N8W3M6Q0T2Y7B9D/1-fedcba9876543210fedcba9876543210",26,' +
          '"8ewTRqdBnqT1sSMlANMx2zatiQ3Hyl2BD6wBfZMFqZg="]]',
      },
    },
    events: [
      {
        type: "Scanned",
        data: { pages: 2 },
        metadata: { causationId: "c-1" },
        streamId: "permit|case-1",
        version: 17,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/0",
        recordedAt: new Date("2025-11-23T12:13:21.444Z"),
      },
      {
        type: "Scanned",
        data: { pages: 3 },
        metadata: {},
        streamId: "permit|case-1",
        version: 18,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/1",
        recordedAt: new Date("2025-11-23T12:13:21.444Z"),
        subject: "ada",
      },
    ],
  },
};

/** The blobs that belong to the items. */
const BLOBS = new Map([
  [
    "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/0-0123456789abcdef0123456789abcdef",
    bytes("AFsiU2Nhbm5lZCIseyJwYWdlcyI6Mn0seyJjYXVzYXRpb25JZCI6ImMtMSJ9XQ=="),
  ],
  [
    "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/1-fedcba9876543210fedcba9876543210",
    bytes("VQ53BjY0OzswMXd5LnclNDIwJndvZih5Zwg="),
  ],
]);

/** Stands for a cipher: the bytes are not these of a real one. */
const encryption: Encryption = {
  subjectOf: () => undefined,
  encrypt: () => new Uint8Array(),
  decrypt: (subject, body) => (subject === "gone" ? undefined : body.map((byte) => byte ^ 0x55)),
};

describe("a stored item stays readable", () => {
  it.each(Object.entries(RECORDED))("%s", async (_, { item, events }) => {
    const slots = readSlots(item);
    const blobs: Blobs = { put: () => Promise.resolve(), get: async (name) => BLOBS.get(name) };
    const context = { definitions: undefined, encryption, blobs };
    expect(await openEvents(context, slots, { low: slots.first, high: slots.last })).toEqual(events);
  });
});

/** Snapshots as they are stored: attributes of a commit's last item, of an item after the stream, or of a truncated one. */
const STATES: Record<string, { readonly item: Item; readonly state: unknown }> = {
  "plain text, riding in a commit": {
    item: {
      p: { S: "permit|case-1" },
      s: { N: "2" },
      i: { B: bytes("AZqwjZPsLVHB0NcGheOtLQ==") },
      t: { N: "1763900000456" },
      e: { S: '[["Checked",null]]' },
      y: { S: "1" },
      z: { S: '{"balance":12,"open":true}' },
    },
    state: { balance: 12, open: true },
  },
  "raw deflate, after the stream": {
    item: {
      p: { S: "permit|case-1" },
      s: { N: "9007199254740992" },
      v: { N: "40" },
      t: { N: "1763900000456" },
      y: { S: "1" },
      z: { B: bytes("q1ZKSsxJzEtOVbIyNNJRyi9IzVOyKikqTdVRyssvSS1WslJKTE/MzFNIzEtRGGURYinVAgA=") },
    },
    state: { balance: 12, open: true, notes: "again and ".repeat(30) },
  },
  "encrypted for two, in the last of the truncated items": {
    item: {
      p: { S: "permit|case-1" },
      s: { N: "39" },
      n: { N: "2" },
      i: { B: bytes("AZqwjZPsLVHB0NcGheOtLQ==") },
      t: { N: "1763900000456" },
      d: { N: "41" },
      y: { S: "1" },
      z: { B: bytes("AHsiYmFsYW5jZSI6M30=") },
      h: { L: [{ S: "ada" }, { S: "bob" }] },
    },
    state: { balance: 3 },
  },
};

describe("a stored snapshot stays readable", () => {
  it.each(Object.entries(STATES))("%s", async (_, { item, state }) => {
    expect(await unpackState({ version: "1" }, item, encryption)).toMatchObject({ state });
    expect(await unpackState({ version: "2" }, item, encryption)).toBeUndefined();
  });

  it("an encrypted one is of no use once one of its subjects is forgotten", async () => {
    const { item } = STATES["encrypted for two, in the last of the truncated items"] ?? { item: {} };
    const gone = { ...item, h: { L: [{ S: "gone" }, { S: "ada" }] } };
    expect(await unpackState({ version: "1" }, gone, encryption)).toBeUndefined();
    expect(await unpackState({ version: "1" }, item, undefined)).toBeUndefined();
  });

  it("a truncated item has its slots, and no events", async () => {
    const slots = readSlots(STATES["encrypted for two, in the last of the truncated items"]?.item ?? {});
    expect(slots).toMatchObject({ first: 39, last: 40, truncatedBefore: 41 });
    expect(await openEvents({ definitions: undefined }, slots, { low: 39, high: 40 })).toEqual([]);
  });
});

/** Pages of the global log. */
const PAGES: Record<string, { readonly item: Item; readonly slices: readonly object[] }> = {
  "plain text: commits, a group, an imported one, a part of a transaction, bodies, and one that is only named":
    {
      item: {
        p: { S: "$all" },
        s: { N: "41" },
        n: { N: "8" },
        i: { B: bytes("AZqwjZPsLVHB0NcGheOtLQ==") },
        t: { N: "1763900001999" },
        u: { N: "1763900000123" },
        e: {
          S:
            '[["permit|case-1",1,1763900000123,1340303,[["Received",{"channel":"Internet"}]]],' +
            '["permit|case-1",2,333,1340636,[["A",1],["B",2,{"own":1}],["C",3]],' +
            '{"g":"AZqwjZPsLVHB0NcGheOtLQAAAAEBmrCNk+1SlKUpSlKUpSlKAAAAAg=="}],' +
            '["permit|case-2",7,0,1340636,[["Linked",null]],' +
            '{"x":{"correlationId":"r-1"},"r":1318334740276,"w":[["permit|case-1",9,2],["permit|case-2",7,1]]}],' +
            '["permit|case-3",4,1543,1342179,[[1,"Moved","ada"]],{"b":1}],' +
            '["permit|case-4",3,0,1342179,null,{"o":2,"m":5,"n":2}]]',
        },
        b: { L: [{ B: bytes("VQ53GDojMDF3eS53NjwhLHdvdxEwOTMhdyh5Z3kudzY0ICY0ITw6Oxwxd293NnhkdygI") }] },
        j: { B: bytes("LVHB0NcGheOtLS1RwdDXBoXjrS0tUcHQ1waF460tLVHB0NcGheOtLS1RwdDXBoXjrS0=") },
      },
      slices: [
        { position: 41, stream: "permit|case-1", first: 1, last: 1, entries: 1 },
        { position: 42, stream: "permit|case-1", first: 2, last: 4, entries: 3, commits: 2 },
        {
          position: 45,
          stream: "permit|case-2",
          first: 7,
          last: 7,
          entries: 1,
          recordedAt: 1318334740276,
          metadata: { correlationId: "r-1" },
          offset: 2,
        },
        { position: 46, stream: "permit|case-3", first: 4, last: 4, entries: 1, bodies: 1 },
        { position: 47, stream: "permit|case-4", first: 3, last: 4, commitFirst: 1, commitLast: 5 },
      ],
    },
  brotli: {
    item: {
      p: { S: "$all" },
      s: { N: "7" },
      n: { N: "2" },
      i: { B: bytes("AZqwjZPsLVHB0NcGheOtLQ==") },
      t: { N: "1763900000456" },
      e: {
        B: bytes(
          "GwEFAETVTfnqPvmyfw8YgTBLBYFrBDjADQ4cAoyTJNGc4wF58JBVXdI0+ygTeJ/9Hfs9i4FGG+FL1bn1oHmr4cFMbNczT/AFrIErgvtb4YPhgl9sMizYLEk=",
        ),
      },
      f: { N: "2" },
      j: { B: bytes("LVHB0NcGheOtLQ==") },
    },
    slices: [{ position: 7, stream: "permit|case-1", first: 1, last: 2, entries: 2 }],
  },
};

describe("a stored page of the log stays readable", () => {
  it.each(Object.entries(PAGES))("%s", (_, { item, slices }) => {
    const read = readPage(readSlots(item)).map(({ source, position, entries, metadata, bodies }) => ({
      position,
      stream: source.item["p"]?.S,
      first: source.first,
      last: source.last,
      commitFirst: source.commitFirst,
      commitLast: source.commitLast,
      recordedAt: source.recordedAt,
      entries: entries?.length,
      metadata,
      bodies: bodies.length,
      commits: commitsIn(source).length,
      offset: commitsIn(source)[0]?.offset,
      id: formatCommitId(source.commitId),
    }));
    expect(read).toMatchObject(slices);
    expect(read.map(({ entries }) => entries)).toEqual(
      slices.map((slice) => ("entries" in slice ? slice.entries : undefined)),
    );
    for (const { id } of read) expect(id).toBe("01KAR8V4ZC5N8W3M6Q0T2Y7B9D");
  });

  it("with the events in it", async () => {
    const storage = createMemoryStorage();
    await storage.putNew({ ...PAGES["brotli"]?.item, s: { N: "1" } }, undefined);
    const store = createChainEventStore({ storage });
    const events: unknown[] = [];
    for await (const event of store.readAll()) events.push(event);
    const place = {
      streamId: "permit|case-1",
      recordedAt: new Date("2025-11-23T12:13:20.456Z"),
      metadata: {},
    };
    expect(events).toEqual([
      {
        ...place,
        type: "Noted",
        data: { text: "again and ".repeat(120) },
        position: 1,
        version: 1,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/0",
      },
      {
        ...place,
        type: "Noted",
        data: null,
        position: 2,
        version: 2,
        eventId: "01KAR8V4ZC5N8W3M6Q0T2Y7B9D/1",
      },
    ]);
  });
});
