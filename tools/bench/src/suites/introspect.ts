import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { serviceText } from "../introspect/service-text.ts";
import type { Suite } from "./suite.ts";

/** What a start may cost for a service of fifty methods. */
const BUDGET_MS = 100;
const METHODS = 50;
const START = fileURLToPath(new URL("../introspect/start.ts", import.meta.url));

interface Times {
  readonly methods: number;
  readonly documented: number;
  readonly loadMs: number;
  readonly describeMs: number;
  readonly againMs: number;
}

/** Milliseconds over some fresh processes. */
export interface IntrospectRow extends Times {
  readonly what: string;
  readonly describeMsMax: number;
}

/** What `--json` prints last. */
export interface IntrospectReport {
  readonly suite: "introspect";
  /** The median first description of fifty methods, over its budget of 100 ms. */
  readonly ratios: { readonly startOverBudget: number };
  readonly rows: readonly IntrospectRow[];
}

/** What a description costs a process that has just started. */
export const introspect: Suite<IntrospectReport> = {
  run: async (isQuick) => {
    const path = await mkdtemp(join(tmpdir(), "bench-introspect-"));
    try {
      const service = join(path, "service.ts");
      await writeFile(service, serviceText(METHODS));
      const rounds = isQuick ? 5 : 25;
      const rows = [
        await measure(`${METHODS} methods, TypeScript`, service, rounds),
        await measure("node:path", "node:path", rounds),
        await measure("node:fs", "node:fs", rounds),
      ];
      const startOverBudget = round((rows[0]?.describeMs ?? Number.NaN) / BUDGET_MS);
      return { suite: "introspect", ratios: { startOverBudget }, rows };
    } finally {
      await rm(path, { recursive: true });
    }
  },
  table: ({ rows, ratios }) =>
    [
      "what                     methods  documented  load ms  describe ms     max   again ms",
      ...rows.map(line),
      `start over its budget of ${BUDGET_MS} ms: ${ratios.startOverBudget}`,
    ].join("\n"),
};

async function measure(what: string, file: string, rounds: number): Promise<IntrospectRow> {
  const all: Times[] = [];
  for (let at = 0; at < rounds; at += 1) {
    const args = ["-C", "@zeroplane/source", START, file];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    all.push(JSON.parse(stdout) as Times);
  }
  const median = (key: keyof Times) =>
    round(all.map((each) => each[key]).toSorted((one, other) => one - other)[rounds >> 1] ?? 0);
  return {
    what,
    methods: median("methods"),
    documented: median("documented"),
    loadMs: median("loadMs"),
    describeMs: median("describeMs"),
    describeMsMax: round(Math.max(...all.map(({ describeMs }) => describeMs))),
    againMs: median("againMs"),
  };
}

const round = (value: number): number => Math.round(value * 100) / 100;

function line(row: IntrospectRow): string {
  return [
    row.what.padEnd(23),
    String(row.methods).padStart(8),
    String(row.documented).padStart(10),
    String(row.loadMs).padStart(7),
    String(row.describeMs).padStart(11),
    String(row.describeMsMax).padStart(6),
    String(row.againMs).padStart(9),
  ].join("  ");
}
