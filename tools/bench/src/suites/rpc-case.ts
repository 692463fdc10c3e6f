import { type Load, type Measured, median, runLoad } from "../load.ts";
import type { PeerProcess } from "../peer-process.ts";
import type { Client, Payload } from "../peers/peer.ts";

const OURS = "zeroplane";

/** What is measured of every peer that can do it. */
export interface Case {
  readonly name: string;
  /** Calls that wait for an answer at a time; for a stream, streams. */
  readonly inFlight: number;
  readonly rounds: number;
  canRun(client: Client): boolean;
  run(client: Client): Promise<Measured>;
}

/** A peer whose server runs in a process of its own. */
export interface Running {
  readonly name: string;
  readonly server: PeerProcess;
  readonly client: Client;
}

/** One measurement: a peer at a case, median of interleaved rounds. */
export interface Row extends Measured {
  readonly case: string;
  readonly peer: string;
  readonly inFlight: number;
  /** Lowest and highest rate of the rounds. */
  readonly spread: readonly [number, number];
}

/** The rounds of one case, by peer, ours first. */
export type Runs = ReadonlyMap<string, readonly Measured[]>;

/** Small calls: `add(1, 2)`. */
export function addCase(inFlight: number, rounds: number, ms: number): Case {
  return {
    name: "add",
    inFlight,
    rounds,
    canRun: () => true,
    run: (client) => runLoad(() => client.call(1, 2), { inFlight, ms }),
  };
}

/** Bodies of `size` bytes that come back. */
export function echoCase(name: string, size: number, load: Load & { rounds: number }): Case {
  const { inFlight, rounds, ms } = load;
  const bytes = Buffer.alloc(size, "a");
  const body: Payload = { bytes, text: bytes.toString("latin1") };
  return {
    name,
    inFlight,
    rounds,
    canRun: () => true,
    run: (client) => runLoad(() => client.echo(body), { inFlight, ms }),
  };
}

/** One stream of `count` numbers, read by `for await`. */
export function streamCase(count: number, rounds: number): Case {
  return {
    name: "stream",
    inFlight: 1,
    rounds,
    canRun: (client) => client.items !== undefined,
    run: async (client) => {
      const fromMs = performance.now();
      let came = 0;
      for await (const _ of client.items?.(count) ?? []) came++;
      if (came !== count) throw new Error(`${came} items of ${count} came`);
      const seconds = (performance.now() - fromMs) / 1_000;
      return { perSecond: Math.round(count / seconds), p50Us: 0, p99Us: 0 };
    },
  };
}

/** Runs every peer in turn, the other way round in odd rounds. */
export async function interleave(running: readonly Running[], of: Case): Promise<Runs> {
  const able = running.filter(({ client }) => of.canRun(client));
  const runs = new Map(able.map(({ name }) => [name, [] as Measured[]]));
  for (let round = 0; round < of.rounds; round++) {
    for (const { name, client } of round % 2 === 0 ? able : able.toReversed()) {
      const measured = runs.get(name);
      if (measured === undefined) continue;
      try {
        measured.push(await of.run(client));
      } catch (error) {
        runs.delete(name);
        without(name, error);
      }
    }
  }
  return runs;
}

/** Says that a peer is left out; ours never is. */
export function without(peer: string, why: unknown): undefined {
  if (peer === OURS) throw why;
  process.stderr.write(`without ${peer}: ${String(why)}\n`);
}

/** One row for each peer. */
export function toRows({ name, inFlight }: Case, runs: Runs): Row[] {
  return [...runs].map(([peer, measured]) => {
    const rates = measured.map(({ perSecond }) => perSecond);
    return {
      case: name,
      peer,
      inFlight,
      perSecond: median(rates),
      p50Us: median(measured.map(({ p50Us }) => p50Us)),
      p99Us: median(measured.map(({ p99Us }) => p99Us)),
      spread: [Math.min(...rates), Math.max(...rates)],
    };
  });
}

/** `of` the first peer over that of each other, median of the ratios of the rounds. */
export function ratiosOf(runs: Runs, of: (measured: Measured) => number): Record<string, number> {
  const [[, ours] = ["", []], ...others] = runs;
  return Object.fromEntries(
    others.map(([peer, theirs]) => {
      const ratios = theirs.map((each, round) => of(ours[round] ?? each) / of(each));
      return [peer, Number(median(ratios).toFixed(2))];
    }),
  );
}
