import { PERMITS } from "../permit-events.ts";

/**
 * Mapping templates of API Gateway, by which it speaks with DynamoDB itself.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
 */

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";

/**
 * The PutItem that stores the body of a request as the first commit of a new stream, in the form that the store reads: see "Writing a commit
 * without the library" in `docs/format.md`. The id is the client's, so that a repeated request is refused and never stored twice.
 *
 * - The commit's id is 16 bytes: the last 21 digits of the UUID, read as Base64, and an A that fills the last byte. These are 78 random bits, and
 *   the same ones for the same permit.
 * - `e` is JSON within JSON. `$input.json` writes what it has parsed, so that nothing but one value can come out of it, whatever came in.
 * - What has no such id gets a request without an item, which DynamoDB refuses.
 */
export function putTemplate(tableName: string): string {
  return String.raw`#set($id = $input.params('permitId'))
#if($id.matches('${UUID}'))
#set($commitId = $id.replaceAll('-', '').substring(11).concat('A=='))
#set($data = $util.escapeJavaScript($input.json('$')).replaceAll("\\'", "'"))
{
  "TableName": "${tableName}",
  "Item": {
    "p": { "S": "${PERMITS}|$id" },
    "s": { "N": "1" },
    "i": { "B": "$commitId" },
    "t": { "N": "$context.requestTimeEpoch" },
    "c": { "S": "${PERMITS}" },
    "e": { "S": "[[\"PermitRequested\",$data]]" }
  },
  "ConditionExpression": "attribute_not_exists(p)"
}
#else
{ "TableName": "${tableName}" }
#end`;
}

/** It is stored, for good. */
export const STORED_TEMPLATE = String.raw`#set($id = $context.path.replaceAll('.*/', ''))
{ "permitId": "$id", "streamId": "${PERMITS}|$id", "version": 1 }`;

/** DynamoDB has refused it: there is one with this id, it has to wait, or it is none that can be stored. All are status 400 to it. */
export const REFUSED_TEMPLATE = String.raw`#set($type = $input.path('$.__type'))
#if($type.endsWith('ConditionalCheckFailedException'))
#set($context.responseOverride.status = 409)
{ "message": "There is an application with this id." }
#elseif($type.endsWith('ValidationException') || $type.endsWith('SerializationException'))
{ "message": "The id is no UUID in lower case, or the application is too large." }
#elseif($type.endsWith('AccessDeniedException') || $type.endsWith('ResourceNotFoundException'))
#set($context.responseOverride.status = 500)
{ "message": "The office is closed." }
#else
#set($context.responseOverride.status = 429)
{ "message": "Too many applications. Repeat it with the same id." }
#end`;

/** Nobody knows whether it was stored. */
export const FAILED_TEMPLATE = `{ "message": "Repeat it with the same id." }`;
