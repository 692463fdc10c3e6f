import { median } from "../load.ts";
import { type Backlog, measureBacklog } from "../work/backlog.ts";
import { CONTESTANTS, type Contestant } from "../work/contestants.ts";

/** Jobs a second of one contestant, from `add` to done. */
export interface WorkRow {
  readonly name: string;
  readonly perSecond: number;
  /** Lowest and highest of the rounds. */
  readonly spread: readonly [number, number];
}

/** What of work was measured. */
export interface WorkReport {
  readonly rows: readonly WorkRow[];
  /** Contestants that are not installed here, and what they need. */
  readonly skipped: Readonly<Record<string, string>>;
  /** Ours over theirs, median of the rounds' own ratios. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly backlog: Backlog;
}

const QUICK = { rounds: 3, jobs: 10_000, backlog: 100_000 };
const FULL = { rounds: 7, jobs: 40_000, backlog: 1_000_000 };
/** Redis stays far below the others: fewer jobs make a round of it as long as theirs. */
const SLOW_SHARE = 0.2;

/** Jobs beside BullMQ, raw sockets and queues of one process. */
export async function measureWork(isQuick: boolean): Promise<WorkReport> {
  const { rounds, jobs, backlog } = isQuick ? QUICK : FULL;
  const rates = new Map<string, number[]>();
  const skipped: Record<string, string> = {};
  await using stack = new AsyncDisposableStack();
  const started: [string, Contestant][] = [];
  for (const [name, start] of Object.entries(CONTESTANTS)) {
    const contestant = await start();
    if (typeof contestant === "string") skipped[name] = contestant;
    else started.push([name, stack.use(contestant)]);
  }
  for (const [, contestant] of started) await contestant.run(Math.round(jobs / 10));
  for (let round = 0; round < rounds; round++) {
    for (const [name, contestant] of round % 2 === 0 ? started : started.toReversed()) {
      const count = contestant.isSlow ? Math.round(jobs * SLOW_SHARE) : jobs;
      const startMs = performance.now();
      await contestant.run(count);
      const perSecond = Math.round(count / ((performance.now() - startMs) / 1_000));
      rates.set(name, [...(rates.get(name) ?? []), perSecond]);
    }
  }
  const rows = [...rates].map(([name, each]) => toRow(name, each));
  return { rows, skipped, ratios: ratiosOf(rates), backlog: await measureBacklog(backlog) };
}

/** The report for people. */
export function workLines({ rows, skipped, ratios, backlog }: WorkReport): string[] {
  return [
    "work, add to done         jobs a second  spread",
    ...rows.map(({ name, perSecond, spread }) =>
      [name.padEnd(24), String(perSecond).padStart(14), spread.join("-")].join("  "),
    ),
    ...Object.entries(skipped).map(([name, why]) => `${name}: skipped, ${why}`),
    `ours over theirs: ${JSON.stringify(ratios)}`,
    `backlog: ${JSON.stringify(backlog)}`,
  ];
}

function toRow(name: string, rates: readonly number[]): WorkRow {
  return { name, perSecond: median(rates), spread: [Math.min(...rates), Math.max(...rates)] };
}

function ratiosOf(rates: ReadonlyMap<string, readonly number[]>): Record<string, number> {
  const ratio = (ours: string, theirs: string): number => {
    const [a = [], b = []] = [rates.get(ours), rates.get(theirs)];
    return Number(median(a.map((rate, round) => rate / (b[round] ?? Number.NaN))).toFixed(2));
  };
  const theirs = [...rates.keys()].filter((name) => !name.startsWith("zeroplane"));
  return Object.fromEntries(
    theirs.flatMap((name) => [
      [`durable/${name}`, ratio("zeroplane, SQLite file", name)],
      [`memory/${name}`, ratio("zeroplane, memory", name)],
    ]),
  );
}
