import type { Traceparent } from "@zeroplane/link";
import { decode, encode } from "@zeroplane/link/codec";
import type { Descriptor } from "./descriptors.ts";
import { type Split, splitAttributes } from "./splits.ts";

/** Kind of a pipe message that holds calls as rows (docs/protocol.md). */
export const CALLS_KIND = "calls";

const ROW_BYTES = 56;
const ROW_WORDS = ROW_BYTES / 4;
const DESCRIPTORS_MAX = 65_536;
const HAS_PARENT = 1 << 24;
/** As in OTLP. */
const SERVER_KIND = 2;

/** Attributes of a process or of what its calls have in common. */
export type RowAttributes = Readonly<Record<string, string | number | boolean>>;

/** A finished call. */
export interface FinishedCall {
  readonly place: Traceparent;
  readonly parent: Traceparent | undefined;
  readonly descriptor: Descriptor;
  /** Time of day, milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly split: Split;
}

/** Writes calls as rows of 56 bytes, one after the other. */
export class CallRows {
  readonly #rowsMax: number;
  readonly #words: Int32Array;
  readonly #times: Float64Array;
  #descriptors = new Map<Descriptor, number>();
  #last: Descriptor | undefined;
  #lastIndex = 0;
  #count = 0;

  /** @param rowsMax rows that fit */
  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
    const memory = new ArrayBuffer(rowsMax * ROW_BYTES);
    this.#words = new Int32Array(memory);
    this.#times = new Float64Array(memory);
  }

  /** Rows written since the last {@link take}. */
  get count(): number {
    return this.#count;
  }

  /** Adds `call`. @returns number of its row; -1 when there is no room for it */
  write({ place, parent, descriptor, startMs, endMs, split }: FinishedCall): number {
    if (this.#count === this.#rowsMax) return -1;
    const index = descriptor === this.#last ? this.#lastIndex : this.#indexOf(descriptor);
    if (index === DESCRIPTORS_MAX) return -1;
    const words = this.#words;
    const row = this.#count++;
    const at = row * ROW_WORDS;
    const { trace } = place;
    words[at] = trace.a;
    words[at + 1] = trace.b;
    words[at + 2] = trace.c;
    words[at + 3] = trace.d;
    words[at + 4] = place.spanHigh;
    words[at + 5] = place.spanLow;
    words[at + 6] = parent === undefined ? 0 : parent.spanHigh;
    words[at + 7] = parent === undefined ? 0 : parent.spanLow;
    this.#times[(at + 8) / 2] = startMs;
    this.#times[(at + 10) / 2] = endMs;
    words[at + 12] = index | (place.flags << 16) | (parent === undefined ? 0 : HAS_PARENT);
    words[at + 13] = split;
    return row;
  }

  /** Writes another split into a row. */
  correct(row: number, split: Split): void {
    this.#words[row * ROW_WORDS + 13] = split;
  }

  /** What was written as a message, behind what it is about; the memory is used again. */
  take(resource: RowAttributes): Buffer {
    const descriptors = [...this.#descriptors.keys()].map(({ name, kind, attributes }) => ({
      name,
      // OTLP counts from 1 what the API counts from 0.
      kind: kind + 1,
      attributes,
    }));
    const head = encode({ resource, descriptors });
    const length = Buffer.alloc(4);
    length.writeUInt32LE(head.length);
    const rows = Buffer.from(this.#words.buffer, 0, this.#count * ROW_BYTES);
    this.#descriptors = new Map();
    this.#last = undefined;
    this.#count = 0;
    return Buffer.concat([length, head, rows]);
  }

  #indexOf(descriptor: Descriptor): number {
    const known = this.#descriptors.get(descriptor);
    const index = known ?? this.#descriptors.size;
    if (index === DESCRIPTORS_MAX) return index;
    if (known === undefined) this.#descriptors.set(descriptor, index);
    this.#last = descriptor;
    this.#lastIndex = index;
    return index;
  }
}

/** One call of a batch, as OTLP would tell of it. */
export interface RecordedCall {
  readonly traceId: Buffer;
  readonly spanId: Buffer;
  readonly parentId: Buffer | undefined;
  readonly name: string;
  /** As in OTLP: 2 server, 3 client. */
  readonly kind: number;
  readonly attributes: RowAttributes;
  /** Microseconds since 1970. */
  readonly startUs: number;
  readonly endUs: number;
  /** Of the W3C trace context. */
  readonly flags: number;
}

/** What one message of {@link CALLS_KIND} tells. */
export interface RecordedCalls {
  readonly resource: RowAttributes;
  readonly calls: readonly RecordedCall[];
}

interface Head {
  readonly resource: RowAttributes;
  readonly descriptors: readonly Pick<RecordedCall, "name" | "kind" | "attributes">[];
}

/**
 * Reads a message of calls.
 * @throws LinkError ERR_LINK_PROTOCOL when its head is not msgpack
 * @throws RangeError when it is not well formed otherwise
 */
export function readCallRows(bytes: Buffer): RecordedCalls {
  const rowsAt = bytes.length < 4 ? 4 : 4 + bytes.readUInt32LE();
  const rowsBytes = bytes.length - rowsAt;
  if (rowsBytes < 0 || rowsBytes % ROW_BYTES !== 0) {
    throw new RangeError(`${bytes.length} bytes are not rows of calls`);
  }
  const { resource, descriptors } = headOf(decode(bytes, 4, rowsAt));
  const calls: RecordedCall[] = [];
  for (let at = rowsAt; at < bytes.length; at += ROW_BYTES) {
    const descriptor = descriptors[bytes.readUInt16LE(at + 48)];
    if (descriptor === undefined) throw new RangeError("a row names no descriptor of its batch");
    const split = splitAttributes(bytes.readInt32LE(at + 52), descriptor.kind === SERVER_KIND);
    calls.push({
      traceId: idAt(bytes, at, 16),
      spanId: idAt(bytes, at + 16, 8),
      parentId: bytes[at + 51] === 0 ? undefined : idAt(bytes, at + 24, 8),
      ...descriptor,
      attributes:
        split === undefined ? descriptor.attributes : { ...descriptor.attributes, ...split },
      startUs: microseconds(bytes.readDoubleLE(at + 32)),
      endUs: microseconds(bytes.readDoubleLE(at + 40)),
      flags: bytes[at + 50] as number,
    });
  }
  return { resource, calls };
}

function headOf(value: unknown): Head {
  const { resource, descriptors } = (value ?? {}) as Partial<Head>;
  const isRight =
    typeof resource === "object" &&
    resource !== null &&
    Array.isArray(descriptors) &&
    descriptors.every(isDescriptor);
  if (!isRight) throw new RangeError("the head of a batch of calls names no descriptors");
  return { resource, descriptors };
}

function isDescriptor(value: unknown): boolean {
  const { name, kind, attributes } = (value ?? {}) as Partial<Head["descriptors"][number]>;
  const isObject = typeof attributes === "object" && attributes !== null;
  return typeof name === "string" && typeof kind === "number" && isObject;
}

/** An id is written as words whose first byte is the highest. */
function idAt(bytes: Buffer, at: number, length: number): Buffer {
  return Buffer.from(bytes.subarray(at, at + length)).swap32();
}

function microseconds(ms: number): number {
  if (!(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER / 1_000)) {
    throw new RangeError(`a call at ${ms} ms is at no time of day`);
  }
  return Math.round(ms * 1_000);
}
