import { fileURLToPath } from "node:url";
import { Stage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { buildSync } from "esbuild";

const HANDLERS = fileURLToPath(new URL("../../src/handlers/", import.meta.url));

/** Some of the AWS SDK's dependencies are CommonJS, and ask for modules of Node's by `require`. */
const REQUIRE = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`;

/** The module of a handler with all that it imports, the AWS SDK included, in one file: `index.mjs`. */
export function bundledCode(scope: Construct, handler: string): Code {
  const folder = `${Stage.of(scope)?.outdir}/bundle.${handler}`;
  buildSync({
    entryPoints: [`${HANDLERS}${handler}.ts`],
    outfile: `${folder}/index.mjs`,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    mainFields: ["module", "main"],
    minify: true,
    banner: { js: REQUIRE },
    logLevel: "warning",
  });
  return Code.fromAsset(folder);
}
