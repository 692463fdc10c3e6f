import { type Skeleton, type SpanTree, treeOf } from "@zeroplane/tracing/model";
import { type Columns, placeOf, Span } from "./span.ts";

/** A trace, its spans in the order of a tree: each before what is below it, siblings by start. */
export interface Trace {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly spans: readonly Span[];
  /** Those of the spans, by their first one. */
  readonly services: readonly string[];
  readonly errors: number;
  /** Log records that belong to it. */
  readonly logs: number;
  /** Spans whose parent has not come. */
  readonly orphans: number;
  /** Spans that were their own ancestors, and are shown as roots. */
  readonly cycles: number;
  /** True when there are more spans than these. */
  readonly isCut: boolean;
  /** The same by column, for whoever goes through all of them at once. */
  readonly columns: Pick<Columns, "skeleton" | "tree">;
  /** The span with an id. */
  readonly find: (id: string) => Span | undefined;
}

/** Puts the spans of a trace into their places. */
export function traceOf(id: string, skeleton: Skeleton): Trace {
  const { operations, operation, ids } = skeleton;
  const kinds = operations.map(({ kind }) => kind);
  const kind = new Uint8Array(operation.length);
  for (let at = 0; at < kind.length; at++) kind[at] = kinds[operation[at] as number] ?? 1;
  const tree = treeOf({ ...skeleton, kind });
  const failures = new Map(skeleton.failures.map((failure) => [failure.at, failure]));
  const columns = { skeleton, tree, failures };
  const spans: Span[] = [];
  for (let index = 0; index < tree.order.length; index++) spans.push(new Span(columns, index));
  let durationMs = 0;
  for (const endMs of skeleton.endMs) durationMs = Math.max(durationMs, endMs);
  const found = (at: number): Span | undefined =>
    at < 0 ? undefined : spans[tree.order.indexOf(at)];
  return {
    id,
    startedAtMs: skeleton.startedAtMs,
    durationMs,
    spans,
    services: servicesOf(skeleton, tree),
    errors: skeleton.failures.length,
    logs: skeleton.logs,
    orphans: tree.orphans,
    cycles: tree.cycles,
    isCut: skeleton.isCut,
    columns,
    find: (wanted) => found(placeOf(ids, wanted)),
  };
}

/** Services by their first span. */
function servicesOf({ operations, operation }: Skeleton, { order }: SpanTree): string[] {
  const seen = new Uint8Array(operations.length);
  const services = new Set<string>();
  for (let i = 0; i < order.length; i++) {
    const place = operation[order[i] as number] as number;
    if (seen[place] === 1) continue;
    seen[place] = 1;
    services.add(operations[place]?.service ?? "unknown");
  }
  return [...services];
}
