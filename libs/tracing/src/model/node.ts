/** A stretch of time. */
export interface Part {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A span that is put into its place in a trace. Times are milliseconds from any zero. */
export interface Node {
  readonly startMs: number;
  readonly endMs: number;
  /** As in OTLP: 5 for what a consumer does, which is not its sender's time. */
  readonly kind: number;
  /** How long its caller waited for it, until its end (`zp.await_ns`); `undefined` when nobody knows. */
  readonly awaitMs: number | undefined;
  /** Its place in the order. */
  index: number;
  /** Place of its parent, -1 for a root. */
  parent: number;
  depth: number;
  /** Spans below it, at any depth: they follow it directly. */
  below: number;
  /** Duration without the time in which a child ran. */
  selfMs: number;
  /** Parts of it that the whole trace waited for, by time. */
  critical: readonly Part[];
}

/** A span that names its parent. */
export interface NamedNode extends Node {
  readonly id: string;
  /** "" for none. */
  readonly parentId: string;
}

/** As in OTLP. What a consumer does was not waited for. */
export const CONSUMER = 5;
/** Place of the parent of a root. */
export const NONE = -1;
/** The same of a span whose parent has not come. */
export const LOST = -2;
/** The same of a span that came twice; it is left out. */
export const DOUBLE = -3;

const NOWHERE: readonly Part[] = Object.freeze([]);

/** The place of a span before it has one. */
export const nowhere = (): Pick<
  Node,
  "index" | "parent" | "depth" | "below" | "selfMs" | "critical"
> => ({ index: 0, parent: NONE, depth: 0, below: 0, selfMs: 0, critical: NOWHERE });

/** Places of the parents of spans. Of doubles the last one counts. */
export function parentsOf(spans: readonly Pick<NamedNode, "id" | "parentId">[]): Int32Array {
  const places = new Map<string, number>();
  for (let i = 0; i < spans.length; i++) places.set(spans[i]?.id ?? "", i);
  return Int32Array.from(spans, ({ id, parentId }, i) => {
    if (places.get(id) !== i) return DOUBLE;
    return places.get(parentId) ?? (parentId === "" ? NONE : LOST);
  });
}
