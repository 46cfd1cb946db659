import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { _Record } from "@aws-sdk/client-dynamodb-streams";
import fc from "fast-check";

/** Records of DynamoDB Streams by chance, and the same records in Lambda's JSON. */

const text = fc.string({ unit: "binary", maxLength: 12 });
const number = fc.oneof(fc.integer().map(String), fc.double({ noNaN: true }).map(String));
const bytes = fc.uint8Array({ maxLength: 20 });
const name = fc.oneof(
  fc.constantFrom("p", "s", "i", "t", "B", "BS", "S", "M", "toString", "__proto__"),
  fc.string({ minLength: 1, maxLength: 6 }),
);

const { value } = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: "value" },
    text.map((S) => ({ S })),
    number.map((N) => ({ N })),
    bytes.map((B) => ({ B })),
    fc.boolean().map((BOOL) => ({ BOOL })),
    fc.constant({ NULL: true as const }),
    fc.array(text, { maxLength: 3 }).map((SS) => ({ SS })),
    fc.array(number, { maxLength: 3 }).map((NS) => ({ NS })),
    fc.array(bytes, { maxLength: 3 }).map((BS) => ({ BS })),
    fc.array(tie("value"), { maxLength: 3, depthIdentifier: "value" }).map((L) => ({ L })),
    itemOf(tie("value")).map((M) => ({ M })),
  ),
}));

function itemOf(values: fc.Arbitrary<AttributeValue>): fc.Arbitrary<Record<string, AttributeValue>> {
  return fc
    .array(fc.tuple(name, values), { maxLength: 4, depthIdentifier: "value" })
    .map((entries) => Object.fromEntries(entries));
}

const anyItem = itemOf(value);

/** An item of a chain, and some that are nearly one. */
const chainItem = fc
  .record({
    p: fc.oneof(
      fc.constantFrom({ S: "permit|1" }, { S: "$all" }, { S: "" }),
      text.map((S) => ({ S })),
    ),
    s: fc.constantFrom(
      { N: "1" },
      { N: "42" },
      { N: "9007199254740991" },
      { N: "9007199254740992" },
      { N: "0" },
    ),
    i: fc.uint8Array({ minLength: 15, maxLength: 17 }).map((B) => ({ B })),
    t: fc.oneof(
      fc.nat().map((ms) => ({ N: String(ms) })),
      fc.constantFrom({ N: "" }, { N: "1.5" }, { S: "1" }),
    ),
  })
  .chain((item) => anyItem.map((content) => ({ ...content, ...item })));

const item = fc.oneof(anyItem, chainItem);

const userIdentity = fc.option(
  fc.record({
    PrincipalId: fc.constantFrom("dynamodb.amazonaws.com", "somebody"),
    Type: fc.constantFrom("Service", "Other"),
  }),
  { nil: undefined },
);

/** A record as the SDK gives it. */
export const sdkRecord: fc.Arbitrary<_Record> = fc.record({
  eventID: fc.uuid(),
  eventName: fc.constantFrom("INSERT", "MODIFY", "REMOVE"),
  eventVersion: fc.constant("1.1"),
  eventSource: fc.constant("aws:dynamodb"),
  awsRegion: fc.constant("eu-central-1"),
  userIdentity,
  dynamodb: fc.record({
    ApproximateCreationDateTime: fc.date({
      min: new Date(0),
      max: new Date("2100-01-01"),
      noInvalidDate: true,
    }),
    Keys: itemOf(value),
    NewImage: fc.option(item, { nil: undefined }),
    OldImage: fc.option(item, { nil: undefined }),
    SequenceNumber: fc.bigInt({ min: 0n, max: 10n ** 40n - 1n }).map(String),
    SizeBytes: fc.nat(),
    StreamViewType: fc.constantFrom("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"),
  }),
});

/** The same record as Lambda hands it to a function: parsed JSON. */
export function asLambdaRecord({ dynamodb, userIdentity: identity, ...record }: _Record): unknown {
  const { ApproximateCreationDateTime: at, ...stream } = dynamodb ?? {};
  const lambda = {
    ...record,
    ...(identity && { userIdentity: { principalId: identity.PrincipalId, type: identity.Type } }),
    dynamodb: { ...stream, ApproximateCreationDateTime: at && at.getTime() / 1_000 },
    eventSourceARN: "arn:aws:dynamodb:eu-central-1:123456789012:table/t/stream/2026-01-01T00:00:00.000",
  };
  return JSON.parse(JSON.stringify(withBase64(lambda)));
}

function withBase64(raw: unknown): unknown {
  if (raw instanceof Uint8Array) return Buffer.from(raw).toString("base64");
  if (Array.isArray(raw)) return raw.map(withBase64);
  if (typeof raw !== "object" || raw === null) return raw;
  return Object.fromEntries(Object.entries(raw).map(([key, field]) => [key, withBase64(field)]));
}
