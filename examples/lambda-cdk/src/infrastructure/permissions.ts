import type { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Tables } from "./tables.ts";

/** Actions of DynamoDB by the table that they are for. */
export type Permissions = { readonly [Table in keyof Tables]?: readonly string[] };

const SCHEDULES = [
  "BatchGetItem",
  "DeleteItem",
  "GetItem",
  "PartiQLInsert",
  "PartiQLUpdate",
  "Query",
  "UpdateItem",
];

/** What the parts of a function need, as the READMEs of the packages say. */
export const PERMISSIONS = {
  append: { events: ["PutItem", "Query"] },
  sequence: { events: ["PutItem", "Query"] },
  project: {
    events: ["Query"],
    control: ["DeleteItem", "GetItem", "Query", "UpdateItem"],
    documents: ["BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query"],
  },
  enqueue: {
    letters: ["DescribeTable", "PutItem", "Query"],
    lettersControl: ["DescribeTable", "GetItem", "UpdateItem"],
  },
  consume: {
    letters: ["DescribeTable", "Query"],
    lettersControl: ["DeleteItem", "DescribeTable", "GetItem", "Query", "UpdateItem"],
  },
  schedule: { schedules: SCHEDULES },
  fire: { schedules: SCHEDULES },
} satisfies Readonly<Record<string, Permissions>>;

/** What allows all of it, a statement for each table, and nothing else. */
export function statementsFor(tables: Tables, needs: readonly Permissions[]): PolicyStatement[] {
  return (Object.keys(tables) as (keyof Tables)[]).flatMap((name) => {
    const actions = new Set(needs.flatMap((permissions) => permissions[name] ?? []));
    return actions.size === 0 ? [] : [allow([...actions].toSorted(), tables[name].attrArn)];
  });
}

/** What Lambda needs to read a table's stream for a function. */
export function streamStatement(table: CfnTable): PolicyStatement {
  return allow(["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"], table.attrStreamArn);
}

function allow(actions: readonly string[], resource: string): PolicyStatement {
  return new PolicyStatement({
    actions: actions.map((action) => `dynamodb:${action}`),
    resources: [resource],
  });
}
