import { type Figures, inTurn, medians, ratios } from "@tuppence/bench/measure";
import type { Servers } from "./databases.ts";
import type { Peer } from "./peer.ts";
import { openSubject, type Probe } from "./probe.ts";
import type { PeerResult, ProbeResult, ScenarioResult } from "./results.ts";
import { type Contender, FIGURES, type Scenario } from "./scenario.ts";

interface CompareOptions {
  readonly peers: readonly Peer[];
  readonly rounds: number;
  /** No round but the first is begun after this moment of `performance.now()`. */
  readonly endsAt: number;
}

/** Measures all peers that can do it, in turn, each round beginning with another one. */
export async function compareAt(
  scenario: Scenario,
  servers: Servers,
  { peers, rounds, endsAt }: CompareOptions,
): Promise<ScenarioResult> {
  const contenders: Contender[] = [];
  const results: Record<string, PeerResult> = {};
  const sides: { readonly name: string; readonly run: Contender["run"] }[] = [];
  // What one of them fails at is told of it; the others are measured all the same.
  const failed = (name: string, error: unknown): void => {
    console.error(`${name}:`, error);
    results[name] = { impossible: `failed: ${String(error)}` };
  };
  try {
    for (const peer of peers) {
      const { name } = peer;
      const reason = scenario.impossible(peer);
      // In this order in the result, too.
      results[name] = { impossible: reason ?? "" };
      if (reason !== undefined) continue;
      try {
        const contender = await scenario.prepare(peer, servers);
        contenders.push(contender);
        sides.push({ name, run: contender.run });
      } catch (error) {
        failed(name, error);
      }
    }
    const runs = await inTurn(
      sides.map(({ name, run }) => async (round) => {
        try {
          return await run(round);
        } catch (error) {
          failed(name, error);
          return {};
        }
      }),
      rounds,
      endsAt,
    );
    const first = runs[sides.findIndex(({ name }) => name === peers[0]?.name)];
    for (const [index, { name }] of sides.entries()) {
      const own = runs[index] ?? [];
      if (own.some((figures) => Object.keys(figures).length === 0)) continue;
      results[name] = { figures: rounded(medians(own)), ratios: rounded(ratios(own, first)) };
    }
    const { name, title, per } = scenario;
    return { name, title, per, rounds: runs[0]?.length ?? 0, peers: results };
  } finally {
    for (const contender of contenders) await contender[Symbol.asyncDispose]();
  }
}

/** Four digits are more than can be measured. */
function rounded(figures: Figures): Figures {
  return Object.fromEntries(
    Object.keys(FIGURES).map((name) => [name, Number((figures[name] ?? Number.NaN).toPrecision(4))]),
  );
}

/** Puts a question to all peers, each in a database of its own. */
export async function askAll(probe: Probe, servers: Servers, peers: readonly Peer[]): Promise<ProbeResult> {
  const answers: Record<string, ProbeResult["peers"][string]> = {};
  for (const peer of peers) {
    await using subject = await openSubject(servers, peer);
    try {
      answers[peer.name] = await probe.ask(subject);
    } catch (error) {
      console.error(`${peer.name}:`, error);
      answers[peer.name] = { seen: `failed: ${String(error)}` };
    }
  }
  return { name: probe.name, question: probe.question, peers: answers };
}
