import type { ErrorGroup } from "../api.ts";
import type { Range } from "./range.ts";
import type { Readers, Row } from "./readers.ts";

const GROUPS_MAX = 500;
const FAILURES_MAX = 200_000;

const SQL = `SELECT f.*, o.service, o.name,
    EXISTS (SELECT 1 FROM failures b WHERE b.trace_id = f.trace_id AND b.parent_id = f.span_id) AS passed
  FROM failures f JOIN ops o ON o.id = f.op WHERE f.at_us BETWEEN ? AND ? ORDER BY f.at_us LIMIT ${FAILURES_MAX}`;

type Open = { -readonly [K in keyof ErrorGroup]: ErrorGroup[K] };

interface Tally {
  readonly group: Open;
  readonly traces: Set<string>;
}

/**
 * Failures grouped by where they began: spans that failed with no failed span below them. Services that failed
 * with them in the same trace are observers. Newest first, at most 500 groups; of each file the first 200 000 failures count.
 */
export function errors(
  readers: Readers,
  range: Range & { readonly service?: string },
): ErrorGroup[] {
  const { fromMs = 0, toMs = 9e12 } = range;
  const groups = new Map<string, Tally>();
  const observers = new Map<string, Set<string>>();
  for (const row of readers.rows(
    SQL,
    [Math.round(fromMs * 1_000), Math.round(toMs * 1_000)],
    range,
  )) {
    const traceId = hex(row["trace_id"]);
    if (row["passed"] === 1) observe(observers, traceId, String(row["service"]));
    else if (range.service === undefined || range.service === row["service"])
      addOrigin(groups, traceId, row);
  }
  const found = [...groups.values()].map(({ group, traces }) => ({
    ...group,
    traces: traces.size,
    observers: observersOf(traces, observers, group.service),
  }));
  return found.toSorted((a, b) => b.lastMs - a.lastMs).slice(0, GROUPS_MAX);
}

const hex = (value: unknown): string => Buffer.from(value as Uint8Array).toString("hex");

function observe(observers: Map<string, Set<string>>, traceId: string, service: string): void {
  const known = observers.get(traceId) ?? new Set();
  observers.set(traceId, known.add(service));
}

function observersOf(
  traces: ReadonlySet<string>,
  observers: ReadonlyMap<string, ReadonlySet<string>>,
  own: string,
): string[] {
  const all = new Set([...traces].flatMap((traceId) => [...(observers.get(traceId) ?? [])]));
  all.delete(own);
  return [...all].toSorted();
}

function addOrigin(groups: Map<string, Tally>, traceId: string, row: Row): void {
  const atMs = Number(row["at_us"]) / 1_000;
  const fingerprint = String(row["fingerprint"]);
  const tally = groups.get(fingerprint) ?? newTally(fingerprint, traceId, row);
  groups.set(fingerprint, tally);
  const { group, traces } = tally;
  traces.add(traceId);
  group.count++;
  group.firstMs = Math.min(group.firstMs, atMs);
  if (atMs >= group.lastMs) {
    group.lastMs = atMs;
    group.exemplar = traceId;
    group.message = String(row["message"]);
  }
}

function newTally(fingerprint: string, exemplar: string, row: Row): Tally {
  const atMs = Number(row["at_us"]) / 1_000;
  const group: Open = {
    fingerprint,
    type: String(row["type"]),
    ...(row["code"] !== null && { code: String(row["code"]) }),
    message: String(row["message"]),
    service: String(row["service"]),
    operation: String(row["name"]),
    frames: JSON.parse(String(row["frames"])) as string[],
    count: 0,
    traces: 0,
    firstMs: atMs,
    lastMs: atMs,
    observers: [],
    exemplar,
  };
  return { group, traces: new Set() };
}
