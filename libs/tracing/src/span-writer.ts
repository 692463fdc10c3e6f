import type { Traceparent } from "@zeroplane/link";
import type { Descriptor } from "./descriptors.ts";

/** Bytes of a span besides its descriptor, with the head of its field. */
const FIXED_BYTES = 4 + 18 + 10 + 10 + 9 + 9 + 6;
const SPANS = 0x12;
const U32 = 2 ** 32;
/** The parent is known, and it is or is not of another process (opentelemetry-proto, SpanFlags). */
const LOCAL_PARENT = 0x100;
const REMOTE_PARENT = 0x300;

/** A finished call. */
export interface WrittenSpan {
  readonly place: Traceparent;
  readonly parent: Traceparent | undefined;
  readonly descriptor: Descriptor;
  /** Time of day, milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * Writes spans one after the other as field `spans` of an OTLP `ScopeSpans` (opentelemetry-proto
 * 1.x, trace.proto), at some 150 ns each. Handed out memory is not written again.
 */
export class SpanWriter {
  #bytes: Buffer;
  #at = 0;
  #count = 0;

  /** @param sizeBytes room; a span takes some 200 bytes */
  constructor(sizeBytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(sizeBytes);
  }

  /** Spans written since the last {@link take}. */
  get count(): number {
    return this.#count;
  }

  /** Adds `span`. @returns false when there is no room for it */
  write({ place, parent, descriptor, startMs, endMs }: WrittenSpan): boolean {
    const common = descriptor.bytes;
    if (this.#at + FIXED_BYTES + common.length > this.#bytes.length) return false;
    const bytes = this.#bytes;
    const from = this.#at + 4;
    let at = this.#ids(from, place, parent);
    at = this.#time(at, 0x39, startMs);
    at = this.#time(at, 0x41, endMs);
    common.copy(bytes, at);
    at += common.length;
    bytes[at] = 0x85;
    bytes[at + 1] = 0x01;
    const isRemote = parent !== undefined && descriptor.isServer;
    writeLittle(bytes, at + 2, place.flags | (isRemote ? REMOTE_PARENT : LOCAL_PARENT));
    at += 6;
    this.#head(from, at - from);
    this.#at = at;
    this.#count++;
    return true;
  }

  /** What was written, which is the caller's from here on. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#at);
    this.#bytes = Buffer.allocUnsafeSlow(this.#bytes.length);
    this.#at = 0;
    this.#count = 0;
    return taken;
  }

  #ids(from: number, place: Traceparent, parent: Traceparent | undefined): number {
    const bytes = this.#bytes;
    bytes[from] = 0x0a;
    bytes[from + 1] = 16;
    place.trace.write(bytes, from + 2);
    bytes[from + 18] = 0x12;
    bytes[from + 19] = 8;
    place.writeSpan(bytes, from + 20);
    if (parent === undefined) return from + 28;
    bytes[from + 28] = 0x22;
    bytes[from + 29] = 8;
    parent.writeSpan(bytes, from + 30);
    return from + 38;
  }

  /** Nanoseconds since 1970, exact to the microsecond, in 64 bits. */
  #time(at: number, tag: number, ms: number): number {
    const us = Math.round(ms * 1_000);
    const high = Math.floor(us / U32);
    const low = (us - high * U32) * 1_000;
    this.#bytes[at] = tag;
    writeLittle(this.#bytes, at + 1, low % U32);
    writeLittle(this.#bytes, at + 5, high * 1_000 + Math.floor(low / U32));
    return at + 9;
  }

  /** The length always takes three bytes, so that it can be written last. */
  #head(from: number, length: number): void {
    const bytes = this.#bytes;
    bytes[from - 4] = SPANS;
    bytes[from - 3] = (length & 0x7f) | 0x80;
    bytes[from - 2] = ((length >>> 7) & 0x7f) | 0x80;
    bytes[from - 1] = length >>> 14;
  }
}

function writeLittle(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
