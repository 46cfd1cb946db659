import type { TableDefinition } from "@tuppence/core";
import type { StoreTable } from "./store-tables.ts";

/** A template of CloudFormation, as far as we write one. */
export interface CloudFormationTemplate {
  readonly AWSTemplateFormatVersion: "2010-09-09";
  readonly Description: string;
  readonly Resources: Readonly<Record<string, TableResource>>;
  readonly Outputs: Readonly<Record<string, TemplateOutput>>;
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html */
export interface TableResource {
  readonly Type: "AWS::DynamoDB::Table";
  /** Whoever deletes the stack, or changes a table so that it would be replaced, keeps the events. */
  readonly DeletionPolicy: "Retain";
  readonly UpdateReplacePolicy: "Retain";
  readonly Properties: Omit<TableDefinition, "StreamSpecification"> & {
    /** Unlike CreateTable, it has no word for whether there is a stream: there is. */
    readonly StreamSpecification?: { readonly StreamViewType: string } | undefined;
    readonly TimeToLiveSpecification?: { readonly AttributeName: string; readonly Enabled: true } | undefined;
    readonly PointInTimeRecoverySpecification: { readonly PointInTimeRecoveryEnabled: true };
  };
}

interface TemplateOutput {
  readonly Description: string;
  readonly Value:
    | { readonly Ref: string }
    | { readonly "Fn::GetAtt": readonly [string, "Arn" | "StreamArn"] };
}

/**
 * The tables as a template of CloudFormation: what `tables create` makes, and point-in-time recovery besides. The outputs are
 * the names and ARNs that functions, their permissions and their event source mappings need.
 */
export function cloudFormationTemplate(
  prefix: string,
  tables: readonly StoreTable[],
): CloudFormationTemplate {
  const named = tables.map((table) => ({ id: logicalId(prefix, table), table }));
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: `The tables of the event store ${prefix}`,
    Resources: Object.fromEntries(named.map(({ id, table }) => [id, tableResource(table)])),
    Outputs: Object.fromEntries(named.flatMap(({ id, table }) => Object.entries(outputsOf(id, table)))),
  };
}

/** `EventsTable`: the same for every prefix, as each store has a stack of its own. */
function logicalId(prefix: string, { definition }: StoreTable): string {
  const name = String(definition.TableName).slice(prefix.length + 1);
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1)}Table`;
}

function tableResource({ definition, ttlAttribute }: StoreTable): TableResource {
  const { StreamSpecification: stream, ...properties } = definition;
  const StreamViewType = stream?.StreamViewType;
  return {
    Type: "AWS::DynamoDB::Table",
    DeletionPolicy: "Retain",
    UpdateReplacePolicy: "Retain",
    Properties: {
      ...properties,
      ...(StreamViewType && { StreamSpecification: { StreamViewType } }),
      ...(ttlAttribute && { TimeToLiveSpecification: { AttributeName: ttlAttribute, Enabled: true } }),
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    },
  };
}

function outputsOf(id: string, { definition }: StoreTable): Record<string, TemplateOutput> {
  const { TableName: name, StreamSpecification: stream } = definition;
  return {
    [`${id}Name`]: { Description: `Name of ${name}`, Value: { Ref: id } },
    [`${id}Arn`]: { Description: `ARN of ${name}`, Value: { "Fn::GetAtt": [id, "Arn"] } },
    ...(stream && {
      [`${id}StreamArn`]: {
        Description: `ARN of the stream of ${name}`,
        Value: { "Fn::GetAtt": [id, "StreamArn"] },
      },
    }),
  };
}
