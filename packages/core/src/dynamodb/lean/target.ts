import type { ClientConfig, Endpoint, Signer } from "./client-config.ts";

/** Where a request goes, and who signs it for there. */
export interface Target {
  readonly protocol: string;
  readonly hostname: string;
  readonly port: number | undefined;
  readonly path: string;
  readonly query: Record<string, string>;
  /** `host`, and what the endpoint asks for. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signer: Signer;
  readonly signingRegion: string;
  readonly signingService: string;
}

/**
 * Finds where a client's requests go, by the client's own endpoint rules: its `endpoint`, or its Region with dual-stack,
 * FIPS and the account id of its credentials. The configuration is read at the first call and kept, where the SDK reads
 * it at every call; credentials are asked for each time, since they expire.
 */
export function targetOf(config: ClientConfig): () => Promise<Target> {
  let settings: Settings | undefined;
  let current:
    | { readonly endpoint: Endpoint; readonly credentials: unknown; readonly target: Target }
    | undefined;
  return async () => {
    // Here, and not only in the signer: what fails here was never sent, and is not sent again.
    const { accountId } = await config.credentials();
    settings ??= await readSettings(config);
    const endpoint = config.endpointProvider(
      { ...settings.parameters, ...(accountId === undefined ? undefined : { AccountId: accountId }) },
      { logger: config.logger },
    );
    if (current?.endpoint === endpoint && current.credentials === config.credentials) return current.target;
    const target = await createTarget(config, settings, endpoint);
    current = { endpoint, credentials: config.credentials, target };
    return target;
  };
}

interface Settings {
  readonly region: string;
  readonly parameters: Parameters<ClientConfig["endpointProvider"]>[0];
  /** Of an endpoint of the caller's own. */
  readonly headers: Readonly<Record<string, string>>;
}

async function readSettings(config: ClientConfig): Promise<Settings> {
  const region = await config.region();
  const custom = await customEndpoint(config);
  const parameters = {
    Region: region,
    UseDualStack: await config.useDualstackEndpoint(),
    UseFIPS: await config.useFipsEndpoint(),
    AccountIdEndpointMode: await config.accountIdEndpointMode(),
    ...(custom && { Endpoint: custom.url }),
  };
  return { region, parameters, headers: custom?.headers ?? {} };
}

interface CustomEndpoint {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function customEndpoint(config: ClientConfig): Promise<CustomEndpoint | undefined> {
  if (!config.endpoint) {
    if (config.ignoreConfiguredEndpointUrls) return undefined;
    const url = await config.serviceConfiguredEndpoint();
    return url === undefined ? undefined : { url, headers: {} };
  }
  const { protocol, hostname, port, path, headers = {} } = await config.endpoint();
  return {
    url: `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`,
    headers: joined(headers),
  };
}

async function createTarget(config: ClientConfig, settings: Settings, endpoint: Endpoint): Promise<Target> {
  const { url, properties } = endpoint;
  const [authScheme] = (properties?.["authSchemes"] ?? []) as Parameters<ClientConfig["signer"]>[0][];
  return {
    protocol: url.protocol,
    hostname: url.hostname,
    port: url.port === "" ? undefined : Number(url.port),
    path: url.pathname.endsWith("/") ? url.pathname : `${url.pathname}/`,
    query: Object.fromEntries(url.searchParams),
    headers: { host: url.host, ...joined(endpoint.headers ?? {}), ...settings.headers },
    signer: await config.signer(authScheme),
    signingRegion: authScheme?.signingRegion ?? settings.region,
    signingService: authScheme?.signingName ?? config.defaultSigningName,
  };
}

function joined(headers: Readonly<Record<string, string | readonly string[]>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value].flat().join(", ")]),
  );
}
