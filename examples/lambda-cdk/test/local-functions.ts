import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { LocalClientConfig } from "@tuppence/local";
import {
  childProcessFunction,
  type EventSourceMapping,
  findRuntimeInterfaceClient,
  mappingOptions,
  type ProcessFunction,
  ricFunction,
  startEventSourceMapping,
} from "@tuppence/local/lambda";
import { environmentOf } from "@tuppence/test-support/database";
import { type GuardedEndpoint, startGuardedEndpoint } from "./guarded-endpoint.ts";
import { isAllowed, type Statement, statementsOf } from "./role-policy.ts";
import { type Resource, resourcesOf, type SynthesizedStack, targetOf } from "./synthesized-stack.ts";

/** AWS's runtime interface client, where CI installs it: `pnpm --dir test/ric install`. Without it, the one of `@tuppence/local`. */
export const realClient = findRuntimeInterfaceClient(
  fileURLToPath(new URL("../../../test/ric/", import.meta.url)),
);

/** A function of a stack, with what would run on Lambda: its bundle, its settings, and what its role may do. */
export interface LocalStackFunction {
  /** The construct that it is of: `Log`. */
  readonly name: string;
  readonly function: ProcessFunction;
  readonly endpoint: GuardedEndpoint;
  /** Has the stream of a table wake it, as its event source mapping says. */
  connect(): Promise<EventSourceMapping>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

interface Place {
  readonly config: LocalClientConfig;
  /** What its role may do. Default: what the stack says. */
  readonly statements?: readonly Statement[];
}

/** Starts a function of a stack on this machine. */
export async function startLocalFunction(
  stack: SynthesizedStack,
  name: string,
  { config, statements }: Place,
): Promise<LocalStackFunction> {
  const [id, { Properties: properties }] = theOne(resourcesOf(stack, "AWS::Lambda::Function"), name);
  const allowed = statements ?? statementsOf(stack, targetOf(properties.Role));
  const endpoint = await startGuardedEndpoint(config.endpoint, (access) => isAllowed(stack, allowed, access));
  const cwd = codeOf(stack, properties.Code.S3Key);
  const [file, exported] = String(properties.Handler).split(".");
  const options = {
    name,
    timeoutMs: 1_000 * properties.Timeout,
    memoryMb: properties.MemorySize,
    log: false as const,
    env: {
      ...properties.Environment.Variables,
      ...environmentOf(config),
      AWS_ENDPOINT_URL_DYNAMODB: endpoint.url,
    },
  };
  const fn =
    typeof realClient === "string"
      ? childProcessFunction({
          ...options,
          moduleUrl: pathToFileURL(join(cwd, `${file}.mjs`)),
          handlerName: exported,
        })
      : ricFunction({ ...options, client: realClient, handler: properties.Handler, cwd });
  return {
    name,
    function: fn,
    endpoint,
    connect: () => {
      const mappings = [...resourcesOf(stack, "AWS::Lambda::EventSourceMapping").values()];
      const mapping = mappings.find(({ Properties }) => targetOf(Properties.FunctionName) === id);
      if (mapping === undefined) throw new TypeError(`Nothing wakes ${name}.`);
      const { TableName: tableName } =
        stack.resources[targetOf(mapping.Properties.EventSourceArn)]?.Properties ?? {};
      return startEventSourceMapping({
        config,
        tableName,
        function: fn,
        ...mappingOptions(mapping.Properties),
      });
    },
    async [Symbol.asyncDispose]() {
      await fn.stop();
      await endpoint[Symbol.asyncDispose]();
    },
  };
}

function theOne(found: ReadonlyMap<string, Resource>, name: string): [string, Resource] {
  const entry = [...found].find(([id]) => id.startsWith(`${name}Function`));
  if (entry === undefined) throw new TypeError(`There is no function ${name}.`);
  return entry;
}

/** The folder that would be uploaded under a key, as the cloud assembly says. */
function codeOf({ folder }: SynthesizedStack, key: string): string {
  const manifest = JSON.parse(readFileSync(join(folder, "Permits.assets.json"), "utf8")) as {
    readonly files: Readonly<Record<string, { readonly source: { readonly path: string } }>>;
  };
  const asset = manifest.files[key.replace(".zip", "")];
  if (asset === undefined) throw new TypeError(`There is no asset ${key}.`);
  return join(folder, asset.source.path);
}
