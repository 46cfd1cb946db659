import { randomUUID } from "node:crypto";
import type { LocalClientConfig } from "@tuppence/local";
import { validate } from "jsonschema";
import { renderTemplate } from "./mapping-template.ts";
import { isAllowed, statementsOf } from "./role-policy.ts";
import { resourcesOf, type SynthesizedStack, targetOf } from "./synthesized-stack.ts";

interface ApiRequest {
  /** The last part of the path, as it is in the URL. */
  readonly id: string;
  readonly body: string;
  /** Default: JSON. */
  readonly contentType?: string;
  /** Epoch milliseconds. Default: now. */
  readonly time?: number;
  /** Whether the body is compared with the API's model. Default true. */
  readonly validates?: boolean;
}

interface ApiResponse {
  readonly status: number;
  readonly body: unknown;
}

/** The stack's API as API Gateway has it, in front of a local DynamoDB. */
export interface LocalApi {
  put(request: ApiRequest): Promise<ApiResponse>;
}

/**
 * Answers as API Gateway does: validates, maps the request, sends it to DynamoDB with the API's role, and maps the response.
 *
 * @param changed makes another template of the request's one, to see what it is for
 */
export function openLocalApi(
  stack: SynthesizedStack,
  config: LocalClientConfig,
  changed: (template: string) => string = (template) => template,
): LocalApi {
  const method = only(stack, "AWS::ApiGateway::Method");
  const { Schema: schema } = only(stack, "AWS::ApiGateway::Model");
  const { Integration: integration } = method;
  const role = statementsOf(stack, targetOf(integration.Credentials));
  const operation = String(integration.Uri["Fn::Join"][1].at(-1)).split("/").at(-1) ?? "";
  return {
    async put({ id, body, contentType = "application/json", time = Date.now(), validates = true }) {
      const template: string | undefined = integration.RequestTemplates[contentType];
      if (template === undefined) return { status: 415, body: { message: "Unsupported Media Type" } };
      if (!isJson(body) || (validates && !validate(JSON.parse(body), schema).valid)) {
        return { status: 400, body: { message: "Invalid request body" } };
      }
      const context = { path: `/v1/permits/${id}`, requestId: randomUUID(), requestTimeEpoch: time };
      const path = { permitId: decodeURIComponent(id) };
      const request = renderTemplate(changed(template), { body, params: path, context });
      const { TableName: tableName = "", Item: item } = isJson(request.text) ? JSON.parse(request.text) : {};
      const access = { action: operation, tableName, leadingKey: item?.p.S };
      if (tableName !== "" && !isAllowed(stack, role, access)) {
        throw new Error(`The API may not ${operation} ${access.leadingKey} into ${tableName}.`);
      }
      const reply = await send(config, operation, request.text);
      const answer = integration.IntegrationResponses.find(({ SelectionPattern: pattern = ".*" }) =>
        new RegExp(`^(?:${pattern})$`).test(String(reply.status)),
      );
      const response = renderTemplate(answer.ResponseTemplates["application/json"], {
        body: reply.text,
        params: {},
        context,
      });
      const status = response.status ?? Number(answer.StatusCode);
      if (
        !method.MethodResponses.some((each: { StatusCode: string }) => each.StatusCode === String(status))
      ) {
        throw new Error(`The API has no response ${status}.`);
      }
      return { status, body: JSON.parse(response.text) };
    },
  };
}

// oxlint-disable-next-line typescript/no-explicit-any -- whatever CloudFormation has
function only(stack: SynthesizedStack, type: string): any {
  const [resource, another] = resourcesOf(stack, type).values();
  if (resource === undefined || another !== undefined) throw new TypeError(`There is not one ${type}.`);
  return resource.Properties;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Sends the very text. DynamoDB Local takes any signature, and the access key's id for the name of the database. */
async function send(
  { endpoint, region, credentials }: LocalClientConfig,
  operation: string,
  body: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const scope = `${credentials.accessKeyId}/20260101/${region}/dynamodb/aws4_request`;
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": `DynamoDB_20120810.${operation}`,
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=none`,
    },
    body,
  });
  return { status: response.status, text: await response.text() };
}
