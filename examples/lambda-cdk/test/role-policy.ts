import { type Resource, resourcesOf, type SynthesizedStack, targetOf } from "./synthesized-stack.ts";

/** What a role may do with one resource. */
export interface Statement {
  readonly actions: readonly string[];
  /** The logical id of the resource, or whatever else it says. */
  readonly resource: string;
  readonly conditions: Conditions | undefined;
}

/** The role of a function, or of the API, by what it is called in the code. */
export function roleOf(stack: SynthesizedStack, name: string): string {
  const ids = [...resourcesOf(stack, "AWS::IAM::Role").keys()];
  const roleId = ids.find((id) => id.replace(/Role[0-9A-F]{8}$/, "") === name);
  if (roleId === undefined) throw new TypeError(`There is no role of ${name}.`);
  return roleId;
}

/** All that a role may do; its managed policies are none. */
export function statementsOf({ resources }: SynthesizedStack, roleId: string): readonly Statement[] {
  const policies = Object.values(resources).filter(
    ({ Type, Properties }) =>
      Type === "AWS::IAM::Policy" && Properties.Roles.some((role: unknown) => targetOf(role) === roleId),
  );
  return policies.flatMap(({ Properties }) =>
    (Properties.PolicyDocument.Statement as readonly PolicyStatement[]).map((statement) => ({
      actions: [statement.Action].flat(),
      resource: typeof statement.Resource === "string" ? statement.Resource : targetOf(statement.Resource),
      conditions: statement.Condition,
    })),
  );
}

interface Conditions {
  readonly "ForAllValues:StringLike": { readonly "dynamodb:LeadingKeys": readonly string[] };
}

interface PolicyStatement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: Conditions;
}

/** One thing that a request wants to do with a table. */
export interface Access {
  /** Without `dynamodb:`. */
  readonly action: string;
  readonly tableName: string;
  /** The partition key of the item, for roles that may do it with some items only. */
  readonly leadingKey?: string | undefined;
}

/** Whether a role may do it. */
export function isAllowed(
  { resources }: SynthesizedStack,
  statements: readonly Statement[],
  { action, tableName, leadingKey }: Access,
): boolean {
  return statements.some(({ actions, resource, conditions }) => {
    const table: Resource | undefined = resources[resource];
    const patterns = conditions?.["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
    // Of no key at all, all are like it.
    const isLike =
      patterns?.some((pattern) => leadingKey?.startsWith(pattern.replace(/\*$/, "")) ?? true) ?? true;
    return isLike && actions.includes(`dynamodb:${action}`) && table?.Properties.TableName === tableName;
  });
}

/** What a request of DynamoDB's API needs to be allowed: a transaction, or a batch of statements, each of its parts. */
export function accessesOf(operation: string, input: Request): readonly Access[] {
  if (input.TransactItems !== undefined) {
    return input.TransactItems.flatMap((part) =>
      Object.entries(part).map(([kind, { TableName }]) => ({
        action: kind === "ConditionCheck" ? "ConditionCheckItem" : `${kind}Item`,
        tableName: TableName,
      })),
    );
  }
  if (input.Statements !== undefined) {
    return input.Statements.map(({ Statement }) => {
      const [, kind = "", tableName = ""] = /^(INSERT|UPDATE) (?:INTO )?"([^"]+)"/.exec(Statement) ?? [];
      return { action: kind === "INSERT" ? "PartiQLInsert" : "PartiQLUpdate", tableName };
    });
  }
  const tables =
    input.RequestItems === undefined ? [String(input.TableName)] : Object.keys(input.RequestItems);
  return tables.map((tableName) => ({ action: operation, tableName }));
}

export interface Request {
  readonly TableName?: string;
  readonly TransactItems?: readonly Readonly<Record<string, { readonly TableName: string }>>[];
  readonly RequestItems?: Readonly<Record<string, unknown>>;
  readonly Statements?: readonly { readonly Statement: string }[];
}
