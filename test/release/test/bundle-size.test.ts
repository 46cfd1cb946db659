import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

const root = new URL("../../../", import.meta.url);

/** The sizes of the function in a bundle, in kB of 1,000 bytes. */
async function bundleKB(external: readonly string[]) {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL("../src/consumer/function.ts", import.meta.url))],
    bundle: true,
    minify: true,
    platform: "node",
    target: "node20",
    format: "esm",
    external: [...external],
    metafile: true,
    write: false,
  });
  const [bundle] = outputFiles;
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs: parts }) => Object.entries(parts));
  const ours = inputs.filter(([path]) => path.includes("packages/core/"));
  return {
    minified: Math.ceil((bundle?.contents.length ?? 0) / 1_000),
    gzipped: Math.ceil(gzipSync(bundle?.contents ?? "", { level: 9 }).length / 1_000),
    core: Math.ceil(ours.reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0) / 1_000),
  };
}

/** Its line in the README of core: what must not be exceeded. Whoever makes it larger raises it there, and says why. */
async function ceilings(sdk: string): Promise<{ minified: number; gzipped: number }> {
  const readme = await readFile(new URL("packages/core/README.md", root), "utf8");
  const row = new RegExp(String.raw`^\| ${sdk} \| ([\d,]+) kB \| ([\d,]+) kB \|$`, "m").exec(readme);
  const [minified, gzipped] = (row ?? []).slice(1).map((figure) => Number(figure.replaceAll(",", "")));
  return { minified: minified ?? 0, gzipped: gzipped ?? 0 };
}

describe("a Lambda function with core alone", () => {
  it.for([
    ["that of the Lambda runtime", ["@aws-sdk/*"]],
    ["in the bundle", []],
  ] as const)("is no larger than the README says, with an SDK %s", async ([sdk, external]) => {
    const [{ core, ...size }, ceiling] = [await bundleKB(external), await ceilings(sdk)];
    expect(size.minified, `${core} kB of it are core`).toBeLessThanOrEqual(ceiling.minified);
    expect(size.gzipped).toBeLessThanOrEqual(ceiling.gzipped);
    // Nor much smaller: what was gained is to be told, and kept.
    expect(size.minified).toBeGreaterThan(ceiling.minified * 0.9);
    expect(size.gzipped).toBeGreaterThan(ceiling.gzipped * 0.9);
  });
});
