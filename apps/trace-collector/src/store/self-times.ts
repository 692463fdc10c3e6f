import { selfTimes } from "@zeroplane/tracing/model";
import type { DecodedSpan } from "../span.ts";
import { parentPlaces } from "./span-places.ts";

const NS_PER_US = 1_000;
const NS_PER_MS = 1e6;

/** Self times of a batch, nanoseconds, as far as it tells; they are corrected when the trace is quiet. */
export function selfTimesOf(spans: readonly DecodedSpan[]): Float64Array {
  const found = Float64Array.from(spans, ({ durationNs }) => durationNs);
  if (!spans.some(({ parentId }) => parentId !== undefined)) return found;
  const baseUs = spans[0]?.startUs ?? 0;
  const starts = Float64Array.from(
    spans,
    ({ startUs, startSub }) => (startUs - baseUs) * NS_PER_US + startSub,
  );
  const order = Int32Array.from(spans.keys()).sort(
    (a, b) => (starts[a] as number) - (starts[b] as number),
  );
  const byStart = Array.from(order, (at) => spans[at] as DecodedSpan);
  const startMs = Float64Array.from(order, (at) => (starts[at] as number) / NS_PER_MS);
  const self = selfTimes({
    parent: parentPlaces(byStart),
    startMs,
    endMs: startMs.map((start, i) => start + (byStart[i]?.durationNs ?? 0) / NS_PER_MS),
    kind: Uint8Array.from(byStart, ({ kind }) => kind),
  });
  for (let i = 0; i < order.length; i++)
    found[order[i] as number] = Math.round((self[i] as number) * NS_PER_MS);
  return found;
}
