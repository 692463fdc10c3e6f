import { LOST, NONE } from "@zeroplane/tracing/model";
import { type Trace, traceOf } from "./trace.ts";

/** A span in a test. */
export type Short = readonly [
  id: string,
  parent: string,
  fromMs: number,
  toMs: number,
  kind?: number,
];

const T0 = 1_795_000_000_000;

/** Spans as the collector would bring them, by start; an id is a number in hex. */
export function sample(...spans: readonly Short[]): Trace {
  const byStart = spans.toSorted(([, , a], [, , b]) => a - b);
  const places = new Map(byStart.map(([id], at) => [id, at]));
  const kinds = Array.from({ length: 6 }, (_, kind) => ({
    service: "shop",
    node: "shop-1",
    name: "work",
    kind,
  }));
  const column = (of: (span: Short) => number): number[] => byStart.map(of);
  return traceOf("1", {
    startedAtMs: T0,
    operations: kinds,
    failures: [],
    logs: 0,
    isCut: false,
    ids: Uint8Array.from(
      byStart.flatMap(([id]) => [0, 0, 0, 0, 0, ...bytesOf(Number.parseInt(id, 16))]),
    ),
    startMs: Float64Array.from(column(([, , from]) => from)),
    endMs: Float64Array.from(column(([, , , to]) => to)),
    awaitMs: new Float64Array(spans.length).fill(Number.NaN),
    parents: Int32Array.from(
      column(([, parent]) => (parent === "" ? NONE : (places.get(parent) ?? LOST))),
    ),
    operation: Uint32Array.from(column(([, , , , kind = 2]) => kind)),
  });
}

const bytesOf = (n: number): number[] => [n >> 16, (n >> 8) & 255, n & 255];
