/** What the spans of one operation in one process have in common. */
export interface SkeletonOperation {
  readonly service: string;
  readonly node: string;
  readonly name: string;
  /** As in OTLP. */
  readonly kind: number;
}

/** A span that failed. */
export interface SkeletonFailure {
  /** Its place among the spans. */
  readonly at: number;
  readonly message: string;
  /** True when its error came from another process. */
  readonly isForeign: boolean;
}

interface Head {
  readonly version: 1;
  readonly count: number;
  /** Begin of the first span, milliseconds since 1970. */
  readonly startedAtMs: number;
  readonly operations: readonly SkeletonOperation[];
  readonly failures: readonly SkeletonFailure[];
  /** Log records that belong to the trace. */
  readonly logs: number;
  /** True when the trace has more spans than these. */
  readonly isCut: boolean;
}

/** As much of a trace as its drawing needs: spans by start, a column for each of their properties. */
export interface Skeleton extends Omit<Head, "version" | "count"> {
  /** Eight bytes a span. */
  readonly ids: Uint8Array;
  /** Milliseconds after the first one. */
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
  /** How long the caller waited; NaN when nobody knows. */
  readonly awaitMs: Float64Array;
  /** Place of the parent, or `NONE` or `LOST`. */
  readonly parents: Int32Array;
  /** Place among `operations`. */
  readonly operation: Uint32Array;
}

const ID_BYTES = 8;
/** Bytes of a span: three doubles, its id, and two integers. */
const SPAN_BYTES = 3 * 8 + ID_BYTES + 2 * 4;
const LENGTH_BYTES = 8;

/**
 * The skeleton as bytes: the length of its head (four bytes, little endian, and four of nothing), the
 * head as JSON filled up with spaces to eight bytes, then the columns, little endian.
 */
export function packSkeleton(skeleton: Skeleton): Uint8Array<ArrayBuffer> {
  const { ids, startMs, endMs, awaitMs, parents, operation, ...rest } = skeleton;
  const head: Head = { version: 1, count: startMs.length, ...rest };
  const plain = new TextEncoder().encode(JSON.stringify(head));
  const padded = Math.ceil(plain.length / LENGTH_BYTES) * LENGTH_BYTES;
  const bytes = new Uint8Array(LENGTH_BYTES + padded + startMs.length * SPAN_BYTES);
  new DataView(bytes.buffer).setUint32(0, padded, true);
  bytes.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + padded);
  bytes.set(plain, LENGTH_BYTES);
  let at = LENGTH_BYTES + padded;
  for (const column of [startMs, endMs, awaitMs, ids, parents, operation]) {
    bytes.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
    at += column.byteLength;
  }
  return bytes;
}

/** Reads what {@link packSkeleton} has made, without copying. @throws RangeError when it is none */
export function readSkeleton(buffer: ArrayBuffer): Skeleton {
  const padded = buffer.byteLength < LENGTH_BYTES ? 0 : new DataView(buffer).getUint32(0, true);
  let at = LENGTH_BYTES + padded;
  if (padded === 0 || at > buffer.byteLength) throw new RangeError("not the skeleton of a trace");
  const text = new TextDecoder().decode(new Uint8Array(buffer, LENGTH_BYTES, padded));
  const { version, count, ...head } = JSON.parse(text) as Head;
  if (version !== 1 || at + count * SPAN_BYTES !== buffer.byteLength)
    throw new RangeError("the skeleton of a trace of another version; load the page again");
  const next = (bytes: number): number => (at += bytes * count) - bytes * count;
  return {
    ...head,
    startMs: new Float64Array(buffer, next(8), count),
    endMs: new Float64Array(buffer, next(8), count),
    awaitMs: new Float64Array(buffer, next(8), count),
    ids: new Uint8Array(buffer, next(ID_BYTES), ID_BYTES * count),
    parents: new Int32Array(buffer, next(4), count),
    operation: new Uint32Array(buffer, next(4), count),
  };
}
