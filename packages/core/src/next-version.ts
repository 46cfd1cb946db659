import type { StandardSchemaV1 } from "@standard-schema/spec";

/** The newest version of an event type, with what leads to it from each version before. */
export interface VersionedSchema<Input = unknown, Output = Input> extends StandardSchemaV1<Input, Output> {
  /** The first turns data of version 1 into version 2, the next version 2 into 3, and so on. */
  readonly "~upcasters": readonly ((data: unknown) => unknown)[];
}

/**
 * Defines the next version of an event type: the schema of its data from now on, and how the data of the version
 * before becomes that. `previous` is a schema (version 1) or what `nextVersion` gave.
 *
 * ```ts
 * const movedV1 = z.object({ address: z.string() });
 * const movedV2 = nextVersion(movedV1, z.object({ street: z.string(), city: z.string() }), splitAddress);
 * const events = defineEvents({ Moved: movedV2 });
 * ```
 *
 * Append validates against the newest schema and stores the number of the version; what is stored never changes.
 * Reads run the upcasters from the stored version on, each once, and don't validate what they give. They have to be
 * pure and synchronous. One that throws makes the read fail with `UpcastError`.
 *
 * @throws TypeError when something given is no schema or no function, or `schema` has versions of its own.
 */
export function nextVersion<Previous extends StandardSchemaV1, Next extends StandardSchemaV1>(
  previous: Previous,
  schema: Next,
  upcast: (data: StandardSchemaV1.InferOutput<Previous>) => StandardSchemaV1.InferOutput<Next>,
): VersionedSchema<StandardSchemaV1.InferInput<Next>, StandardSchemaV1.InferOutput<Next>> {
  if (!isStandardSchema(previous)) throw new TypeError("The previous version is no Standard Schema.");
  if (!isStandardSchema(schema)) throw new TypeError("The schema of the next version is no Standard Schema.");
  if ("~upcasters" in schema) throw new TypeError("The schema of the next version has versions of its own.");
  if (typeof upcast !== "function") {
    throw new TypeError(`The upcaster is ${String(upcast)}; it has to be a function.`);
  }
  const upcasters = [...upcastersOf(previous), upcast];
  return Object.freeze({
    "~standard": schema["~standard"],
    "~upcasters": Object.freeze(upcasters),
  });
}

/** Whether a value is a Standard Schema (https://standardschema.dev). */
export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  return typeof (value as StandardSchemaV1 | null | undefined)?.["~standard"]?.validate === "function";
}

const NONE: VersionedSchema["~upcasters"] = [];

/** The upcasters of a definition; none when it has one version. */
export function upcastersOf(definition: StandardSchemaV1): VersionedSchema["~upcasters"] {
  return (definition as Partial<VersionedSchema>)["~upcasters"] ?? NONE;
}

/** The number of a definition's newest version, from 1. */
export function schemaVersionOf(definition: StandardSchemaV1): number {
  return upcastersOf(definition).length + 1;
}

/**
 * What a read makes of data that was stored as an earlier version, for tests of your upcasters.
 *
 * @throws RangeError for a version that the definition does not have, and whatever an upcaster throws.
 */
export function upcastData<Definition extends StandardSchemaV1>(
  definition: Definition,
  fromVersion: number,
  data: unknown,
): StandardSchemaV1.InferOutput<Definition> {
  const newest = schemaVersionOf(definition);
  if (!(Number.isSafeInteger(fromVersion) && fromVersion >= 1 && fromVersion <= newest)) {
    throw new RangeError(
      `fromVersion is ${String(fromVersion)}; it has to be a whole number from 1 to ${newest}.`,
    );
  }
  const steps = upcastersOf(definition).slice(fromVersion - 1);
  return steps.reduce((older, upcast) => upcast(older), data) as StandardSchemaV1.InferOutput<Definition>;
}
