import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** The resolved configuration of a client of the SDK: all that a lean call takes from it. */
export type ClientConfig = DynamoDBClient["config"] & {
  /** What `AWS_ENDPOINT_URL_DYNAMODB` and its like say. The SDK's types don't name it. */
  readonly serviceConfiguredEndpoint: () => Promise<string | undefined>;
  readonly ignoreConfiguredEndpointUrls?: boolean | undefined;
};

/** A request as signers and HTTP handlers of the SDK take it. */
export interface HttpRequest {
  method: string;
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  body: string;
}

/** A reply as HTTP handlers of the SDK give it; header names are in lower case. */
export interface HttpResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: unknown;
}

export type Signer = Awaited<ReturnType<ClientConfig["signer"]>>;
export type Endpoint = ReturnType<ClientConfig["endpointProvider"]>;

/** Without one of these, requests would be sent elsewhere or otherwise than the client's own. */
const FUNCTIONS = [
  "signer",
  "credentials",
  "region",
  "endpointProvider",
  "serviceConfiguredEndpoint",
  "useDualstackEndpoint",
  "useFipsEndpoint",
  "accountIdEndpointMode",
  "retryStrategy",
  "maxAttempts",
  "defaultUserAgentProvider",
  "streamCollector",
] as const;

/** @throws TypeError when something is no client of `@aws-sdk/client-dynamodb`, or one of another make. */
export function clientConfig(client: DynamoDBClient): ClientConfig {
  const config: unknown = (client as { readonly config?: unknown } | undefined)?.config;
  const fields = (typeof config === "object" && config !== null ? config : {}) as Record<string, unknown>;
  const missing: string[] = FUNCTIONS.filter((name) => typeof fields[name] !== "function");
  const handler = fields["requestHandler"] as { readonly handle?: unknown } | undefined;
  if (typeof handler?.handle !== "function") missing.push("requestHandler.handle");
  if (missing.length === 0) return config as ClientConfig;
  throw new TypeError(
    `Lean requests need a DynamoDBClient of @aws-sdk/client-dynamodb; the config of this one lacks ${missing.join(", ")}.`,
  );
}
