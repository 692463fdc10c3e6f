import type { Node } from "./node.ts";

/** A span that may have failed. */
export interface FailedNode extends Node {
  /** What its status says, `undefined` when it did not fail. */
  readonly failure: string | undefined;
  /** True when its error came from another process (`zp.error.origin`). */
  readonly isForeign: boolean;
}

/** One failure of a trace. */
export interface Failure<Span> {
  /** Where it began. */
  readonly origin: Span;
  /** The failed spans above the origin, next one first. */
  readonly through: readonly Span[];
  /** Where it came to by another way than a call: a job's end that was watched, a stream. */
  readonly also: readonly Span[];
}

/**
 * The failures of a trace, each described once, where it began.
 * @param order what {@link arrange} gives
 */
export function failuresOf<Span extends FailedNode>(order: readonly Span[]): Failure<Span>[] {
  const failed = order.filter(({ failure }) => failure !== undefined);
  const passedOn = new Set(failed.map(({ parent }) => parent));
  const lowest = failed.filter(({ index }) => !passedOn.has(index));
  const known = new Set(lowest.filter(({ isForeign }) => !isForeign).map(({ failure }) => failure));
  const isElsewhere = ({ isForeign, failure }: Span): boolean => isForeign && known.has(failure);
  const elsewhere = Map.groupBy(lowest.filter(isElsewhere), ({ failure }) => failure);
  return lowest
    .filter((span) => !isElsewhere(span))
    .map((origin) => {
      const also = (elsewhere.get(origin.failure) ?? []).flatMap((span) => [
        span,
        ...above(span, order),
      ]);
      elsewhere.delete(origin.failure);
      return { origin, through: above(origin, order), also };
    });
}

function above<Span extends FailedNode>(span: Span, order: readonly Span[]): Span[] {
  const found: Span[] = [];
  let at = order[span.parent];
  while (at?.failure !== undefined) {
    found.push(at);
    at = order[at.parent];
  }
  return found;
}
