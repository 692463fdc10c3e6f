import { LOST, NONE, packSkeleton, type Skeleton } from "@zeroplane/tracing/model";
import { Bones } from "./bones.ts";
import { IdIndex, wordsOf } from "./id-index.ts";
import type { Readers } from "./readers.ts";
import { TRACE_SPANS_MAX } from "./trace-view.ts";

const ID_BYTES = 8;
const LOGS = "SELECT count(*) AS n FROM logs WHERE trace_id = ?";

/** What a trace's drawing needs, packed; `undefined` when there is no such trace. */
export function skeletonOf(readers: Readers, traceId: string): Uint8Array<ArrayBuffer> | undefined {
  const id = Buffer.from(traceId, "hex");
  const bones = new Bones();
  let logs = 0;
  for (const { db } of readers.holding(id)) {
    logs += Number(db.prepare(LOGS).get(id)?.["n"]);
    // One more than is shown, to know that there are more.
    bones.add(db, id, TRACE_SPANS_MAX + 1 - bones.startNs.length);
  }
  bones.addUnfinished(readers.unfinished.spansOf(id));
  if (bones.startNs.length + logs === 0) return undefined;
  return packSkeleton({ ...columnsOf(bones, TRACE_SPANS_MAX), logs });
}

/** The spans by start, each once, up to `limit`. */
function columnsOf(bones: Bones, limit: number): Omit<Skeleton, "logs"> {
  const { startNs, durationNs, awaitNs, operation } = bones;
  const ids = Buffer.concat(bones.ids);
  const index = new IdIndex(ids);
  const words = wordsOf(ids);
  const all = orderOf(bones, (at) => index.placeOf(words, at) === at);
  const order = all.slice(0, limit);
  const rank = new Int32Array(startNs.length).fill(LOST);
  for (let at = 0; at < order.length; at++) rank[order[at] as number] = at;
  const baseNs = startNs[order[0] ?? 0] ?? 0;
  const columns = {
    startMs: new Float64Array(order.length),
    endMs: new Float64Array(order.length),
    awaitMs: new Float64Array(order.length),
    operation: new Uint32Array(order.length),
  };
  for (let i = 0; i < order.length; i++) {
    const at = order[i] as number;
    const sinceNs = (startNs[at] as number) - baseNs;
    columns.startMs[i] = sinceNs / 1e6;
    columns.endMs[i] = (sinceNs + (durationNs[at] as number)) / 1e6;
    columns.awaitMs[i] = (awaitNs[at] as number) / 1e6;
    columns.operation[i] = operation[at] as number;
  }
  return {
    ...columns,
    startedAtMs: (bones.baseUs + baseNs / 1_000) / 1_000,
    operations: bones.operations,
    failures: bones.failures
      .map((failure) => ({ ...failure, at: rank[failure.at] as number }))
      .filter(({ at }) => at >= 0),
    isCut: all.length > limit,
    ids: idsIn(order, ids),
    parents: parentsIn(order, { parentIds: Buffer.concat(bones.parentIds), index, rank }),
  };
}

/** Places by start, of the same start the longest first. */
function orderOf({ startNs, durationNs }: Bones, isWanted: (at: number) => boolean): Uint32Array {
  const places = new Uint32Array(startNs.length);
  let count = 0;
  for (let at = 0; at < startNs.length; at++) if (isWanted(at)) places[count++] = at;
  const wanted = places.subarray(0, count);
  // Numbers sort without a function to compare them, five times as fast as places with one.
  const starts = new Float64Array(count);
  for (let i = 0; i < count; i++) starts[i] = startNs[wanted[i] as number] as number;
  starts.sort();
  const order = new Uint32Array(count);
  const taken = new Uint32Array(count);
  for (const at of wanted) {
    const first = lowerBound(starts, startNs[at] as number);
    order[first + (taken[first] as number)] = at;
    taken[first] = (taken[first] as number) + 1;
  }
  for (let first = 0; first < count; first += taken[first] as number) {
    if ((taken[first] as number) < 2) continue;
    const same = order.subarray(first, first + (taken[first] as number));
    same.sort((a, b) => (durationNs[b] as number) - (durationNs[a] as number));
  }
  return order;
}

/** Place of the first of `sorted` that is not less than `value`. */
function lowerBound(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function idsIn(order: Uint32Array, ids: Uint8Array): Uint8Array {
  const sorted = new Uint8Array(order.length * ID_BYTES);
  const [from, to] = [wordsOf(ids), wordsOf(sorted)];
  for (let i = 0; i < order.length; i++) {
    const at = (order[i] as number) * ID_BYTES;
    to.setInt32(i * ID_BYTES, from.getInt32(at));
    to.setInt32(i * ID_BYTES + 4, from.getInt32(at + 4));
  }
  return sorted;
}

interface Family {
  readonly parentIds: Buffer;
  readonly index: IdIndex;
  /** Places in the order by places as found. */
  readonly rank: Int32Array;
}

function parentsIn(order: Uint32Array, { parentIds, index, rank }: Family): Int32Array {
  const words = wordsOf(parentIds);
  const parents = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) {
    const at = order[i] as number;
    const isRoot = words.getInt32(at * ID_BYTES) === 0 && words.getInt32(at * ID_BYTES + 4) === 0;
    const parent = isRoot ? NONE : index.placeOf(words, at);
    if (parent >= 0) parents[i] = rank[parent] as number;
    else parents[i] = isRoot ? NONE : LOST;
  }
  return parents;
}
