import { randomBytes } from "node:crypto";

const TEXT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");
const parse32 = (text: string, at: number): number =>
  Number.parseInt(text.slice(at, at + 8), 16) | 0;

function read32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  const low = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  return (high << 16) | low;
}

function write32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** The id of a trace: four signed integers of 32 bits, which need no memory of their own. */
export class TraceId {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;

  constructor(a: number, b: number, c: number, d: number) {
    this.a = a;
    this.b = b;
    this.c = c;
    this.d = d;
  }

  /** Writes 16 bytes. */
  write(bytes: Uint8Array, at: number): void {
    write32(bytes, at, this.a);
    write32(bytes, at + 4, this.b);
    write32(bytes, at + 8, this.c);
    write32(bytes, at + 12, this.d);
  }

  /** Lower-case hexadecimal, 32 digits. */
  toString(): string {
    return hex(this.a) + hex(this.b) + hex(this.c) + hex(this.d);
  }
}

/** Bytes of a {@link Traceparent} on the wire. */
export const TRACEPARENT_BYTES = 25;

/**
 * A place in a trace as W3C Trace Context names it, version 00, in numbers. Text is made of it only
 * when somebody asks.
 */
export class Traceparent {
  readonly trace: TraceId;
  readonly spanHigh: number;
  readonly spanLow: number;
  /** Bit 0: the trace is recorded. */
  readonly flags: number;

  /** @param spanHigh with `spanLow` the id of the span: signed integers of 32 bits */
  constructor(trace: TraceId, spanHigh: number, spanLow: number, flags: number) {
    this.trace = trace;
    this.spanHigh = spanHigh;
    this.spanLow = spanLow;
    this.flags = flags;
  }

  /**
   * The one place of everything that nobody records. It has no ids: whoever is told of it does not
   * record either, and its text names new ones each time.
   */
  static readonly UNRECORDED = new Traceparent(new TraceId(0, 0, 0, 0), 0, 0, 0);

  /** The place that `text` names; `undefined` when it is not well formed or all zeros. */
  static parse(text: string | undefined): Traceparent | undefined {
    const [, trace = "", span = "", flags = ""] = TEXT.exec(text ?? "") ?? [];
    if (trace === "" || /^0+$/.test(trace) || /^0+$/.test(span)) return undefined;
    const [a, b, c, d] = [0, 8, 16, 24].map((at) => parse32(trace, at)) as [
      number,
      number,
      number,
      number,
    ];
    const id = new TraceId(a, b, c, d);
    return new Traceparent(id, parse32(span, 0), parse32(span, 8), Number.parseInt(flags, 16));
  }

  /** The place that lies in `bytes` from `at` on. */
  static read(bytes: Uint8Array, at: number): Traceparent {
    const [a, b] = [read32(bytes, at), read32(bytes, at + 4)];
    const trace = new TraceId(a, b, read32(bytes, at + 8), read32(bytes, at + 12));
    const [high, low] = [read32(bytes, at + 16), read32(bytes, at + 20)];
    return new Traceparent(trace, high, low, bytes[at + 24] as number);
  }

  /** True when the trace is recorded. */
  get isSampled(): boolean {
    return (this.flags & 1) === 1;
  }

  get traceId(): string {
    return String(this.trace);
  }

  get spanId(): string {
    return hex(this.spanHigh) + hex(this.spanLow);
  }

  /** Writes {@link TRACEPARENT_BYTES} bytes: trace, span, flags. */
  write(bytes: Uint8Array, at: number): void {
    this.trace.write(bytes, at);
    this.writeSpan(bytes, at + 16);
    bytes[at + 24] = this.flags;
  }

  /** Writes the 8 bytes of the span's id. */
  writeSpan(bytes: Uint8Array, at: number): void {
    write32(bytes, at, this.spanHigh);
    write32(bytes, at + 4, this.spanLow);
  }

  /** The header `traceparent`. */
  toString(): string {
    if (this === Traceparent.UNRECORDED) return unrecordedText();
    return `00-${this.traceId}-${this.spanId}-${this.flags.toString(16).padStart(2, "0")}`;
  }
}

const unrecordedText = (): string =>
  `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-00`;
