import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { startDynamoDBLocal } from "@tuppence/local";
import { defineCommand, runMain } from "citty";
import { appendScenarios } from "./append-scenario.ts";
import { openBucket } from "./bucket.ts";
import { askAll, compareAt } from "./compare.ts";
import { contentionScenario } from "./contention-scenario.ts";
import { loadScenarios } from "./load-scenario.ts";
import { fillPage, regionsOf } from "./page.ts";
import { PEERS } from "./peers/index.ts";
import { tuppenceLean } from "./peers/tuppence.ts";
import { PROBES } from "./probes/index.ts";
import type { PeerFacts, ProbeResult, Results, ScenarioResult } from "./results.ts";
import type { Scale } from "./scenario.ts";

// The SDK's notice on the end of its support for Node 20 would come between the lines.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

const PAGE = new URL("../../../docs/peers.md", import.meta.url);
const DATA = new URL("../../../docs/peers.json", import.meta.url);

/** Within that, no further round is begun. */
const MEASURING_MINUTES = 6;
/** After that, the run has hung and is ended. */
const MAX_MINUTES = 10;

await runMain(
  defineCommand({
    meta: { name: "bench:peers", description: "Ours and its peers: figures and probes, into docs/peers.*" },
    args: {
      rounds: { type: "string", default: "5", description: "How often each is measured, in turn" },
      scale: { type: "enum", options: ["full", "small"], default: "full", description: "small: a tenth" },
      render: {
        type: "boolean",
        default: false,
        description: "Only make docs/peers.md from docs/peers.json",
      },
    },
    async run({ args }) {
      if (!args.render) {
        const measured = await measureAll(parseRounds(args.rounds), args.scale);
        await writeFile(DATA, `${JSON.stringify(measured, undefined, 2)}\n`);
      }
      const results = JSON.parse(await readFile(DATA, "utf8")) as Results;
      await writeFile(PAGE, fillPage(await readFile(PAGE, "utf8"), regionsOf(results)));
    },
  }),
);

function parseRounds(text: string): number {
  const rounds = Number(text);
  if (Number.isSafeInteger(rounds) && rounds >= 1) return rounds;
  throw new RangeError(`--rounds is ${JSON.stringify(text)}; it has to be a whole number from 1.`);
}

async function measureAll(rounds: number, scale: Scale): Promise<Results> {
  const hung = setTimeout(() => {
    console.error(`Not done after ${MAX_MINUTES} minutes.`);
    process.exit(1);
  }, MAX_MINUTES * 60_000);
  const endsAt = performance.now() + MEASURING_MINUTES * 60_000;
  let started = "";
  await using local = await startDynamoDBLocal({ log: (line) => void (started = line) });
  await using bucket = await openBucket();
  const servers = { local, bucket: bucket.endpoint };
  const probes: ProbeResult[] = [];
  for (const probe of PROBES) {
    console.log(probe.question);
    const asked = PEERS.filter((peer) => peer !== tuppenceLean);
    probes.push(await askAll(probe, servers, asked));
  }
  const scenarios: ScenarioResult[] = [];
  const all = [...appendScenarios(scale), ...loadScenarios(scale), contentionScenario(scale)];
  for (const [index, scenario] of all.entries()) {
    console.log(scenario.title);
    // Each scenario may take its share of the time that is left.
    const now = performance.now();
    const share = now + (endsAt - now) / (all.length - index);
    scenarios.push(await compareAt(scenario, servers, { peers: PEERS, rounds, endsAt: share }));
  }
  clearTimeout(hung);
  const date = new Date().toISOString().slice(0, 10);
  const facts = { date, machine: describeMachine(), server: describeServer(started), scale };
  return { ...facts, peers: await describePeers(), scenarios, probes };
}

function describeMachine(): string {
  return `${availableParallelism()} cores, ${process.platform} ${process.arch}, Node ${process.version}`;
}

/** Without where it was and how long it took to start. */
function describeServer(started: string): string {
  return started
    .replace(/ on http\S+/, "")
    .replace(/, ready in .*/, "")
    .replace(/,$/, "");
}

async function describePeers(): Promise<Record<string, PeerFacts>> {
  const facts: Record<string, PeerFacts> = {};
  for (const { name, label, ours = false, npmPackage } of PEERS) {
    facts[name] = { label, ours, version: npmPackage && (await versionOf(npmPackage)) };
  }
  return facts;
}

async function versionOf(npmPackage: string): Promise<string> {
  const manifest = new URL(`../node_modules/${npmPackage}/package.json`, import.meta.url);
  return (JSON.parse(await readFile(manifest, "utf8")) as { readonly version: string }).version;
}
