import { CONTROL_TTL_ATTRIBUTE, controlTable, eventsTable, type TableDefinition } from "@tuppence/core";
import { DOCUMENTS_TTL_ATTRIBUTE, documentsTable } from "@tuppence/projections";
import { SCHEDULES_TTL_ATTRIBUTE, schedulesTable } from "@tuppence/scheduler";
import { RemovalPolicy } from "aws-cdk-lib";
import { CfnTable, type CfnTableProps } from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";
import { lettersPlace } from "../letter.ts";

export interface Tables {
  readonly events: CfnTable;
  readonly control: CfnTable;
  readonly documents: CfnTable;
  readonly schedules: CfnTable;
  /** Those of the queue. */
  readonly letters: CfnTable;
  readonly lettersControl: CfnTable;
}

export interface TablesOptions {
  readonly tablePrefix: string;
  /** Whether the tables go, with all that is in them, when the stack goes. */
  readonly isDisposable: boolean;
}

/** The tables, by the definitions of the packages that own them. */
export function createTables(stack: Construct, { tablePrefix, isDisposable }: TablesOptions): Tables {
  const scope = new Construct(stack, "Tables");
  const create = (id: string, definition: TableDefinition, ttlAttribute?: string): CfnTable => {
    const table = new CfnTable(scope, id, {
      ...propertiesOf(definition),
      ...(ttlAttribute === undefined
        ? undefined
        : { timeToLiveSpecification: { attributeName: ttlAttribute, enabled: true } }),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtectionEnabled: !isDisposable,
    });
    table.applyRemovalPolicy(isDisposable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN);
    return table;
  };
  const queue = lettersPlace({ tablePrefix }).tablePrefix;
  return {
    events: create("Events", eventsTable(tablePrefix)),
    control: create("Control", controlTable(tablePrefix), CONTROL_TTL_ATTRIBUTE),
    documents: create("Documents", documentsTable(tablePrefix), DOCUMENTS_TTL_ATTRIBUTE),
    schedules: create("Schedules", schedulesTable(tablePrefix), SCHEDULES_TTL_ATTRIBUTE),
    letters: create("Letters", eventsTable(queue)),
    lettersControl: create("LettersControl", controlTable(queue), CONTROL_TTL_ATTRIBUTE),
  };
}

/** The input of CreateTable in CDK's words: the same, but for their first letters and what says that there is a stream. */
function propertiesOf({ StreamSpecification: stream, ...definition }: TableDefinition): CfnTableProps {
  const properties = inCamelCase(definition) as CfnTableProps;
  const streamViewType = stream?.StreamViewType;
  return streamViewType === undefined
    ? properties
    : { ...properties, streamSpecification: { streamViewType } };
}

/** Settings of AWS's APIs as CDK names them: `KeySchema` is `keySchema`, at any depth. */
export function inCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inCamelCase);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.charAt(0).toLowerCase() + name.slice(1),
      inCamelCase(inner),
    ]),
  );
}
