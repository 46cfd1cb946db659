import type { AttributeValue, BatchStatementRequest } from "@aws-sdk/client-dynamodb";
import { attributeOf, type ControlUpdate } from "@tuppence/core/leases";

/**
 * A conditional update as a statement of PartiQL; undefined for one that can't be said as such. An UPDATE there never creates an item, and an INSERT only
 * creates: so what asks for something to be there is an UPDATE, what asks only for something not to be there an INSERT. That one is refused where
 * there is an item without it, too.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.update.html
 */
export function updateStatement(tableName: string, update: ControlUpdate): BatchStatementRequest | undefined {
  const conditions = Object.values(update.where);
  if (conditions.length === 0) return undefined;
  const statement = conditions.every((value) => value === undefined) ? insertOf : updateOf;
  return { ...statement(tableName, update), ReturnValuesOnConditionCheckFailure: "ALL_OLD" };
}

function insertOf(tableName: string, { key, set }: ControlUpdate): BatchStatementRequest {
  const parameters: AttributeValue[] = [{ S: key.partition }, { S: key.sort }];
  let fields = "'p': ?, 's': ?";
  for (const [name, value] of Object.entries(set)) {
    if (value === undefined) continue;
    fields += `, '${name}': ?`;
    parameters.push(attributeOf(value));
  }
  return { Statement: `INSERT INTO "${tableName}" VALUE {${fields}}`, Parameters: parameters };
}

function updateOf(tableName: string, { key, where, set }: ControlUpdate): BatchStatementRequest {
  const parameters: AttributeValue[] = [];
  let text = `UPDATE "${tableName}"`;
  for (const [name, value] of Object.entries(set)) {
    text += value === undefined ? ` REMOVE "${name}"` : ` SET "${name}" = ?`;
    if (value !== undefined) parameters.push(attributeOf(value));
  }
  text += ' WHERE "p" = ? AND "s" = ?';
  parameters.push({ S: key.partition }, { S: key.sort });
  for (const [name, value] of Object.entries(where)) {
    text += value === undefined ? ` AND "${name}" IS MISSING` : ` AND "${name}" = ?`;
    if (value !== undefined) parameters.push(attributeOf(value));
  }
  return { Statement: text, Parameters: parameters };
}
