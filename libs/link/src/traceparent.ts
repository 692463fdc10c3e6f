const TEXT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const hex = (word: number): string => word.toString(16).padStart(8, "0");
const word = (text: string, at: number): number => Number.parseInt(text.slice(at, at + 8), 16);

function read32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  const low = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  return ((high << 16) | low) >>> 0;
}

function write32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Bytes of a {@link Traceparent} on the wire. */
export const TRACEPARENT_BYTES = 25;

/**
 * A place in a trace as W3C Trace Context names it, version 00, as numbers of 32 bits: four of the
 * trace, two of the span. Text is made of it only when somebody asks.
 */
export class Traceparent {
  readonly trace: readonly [number, number, number, number];
  readonly span: readonly [number, number];
  /** Bit 0: the trace is recorded. */
  readonly flags: number;

  constructor(trace: Traceparent["trace"], span: Traceparent["span"], flags: number) {
    this.trace = trace;
    this.span = span;
    this.flags = flags;
  }

  /** The place that `text` names; `undefined` when it is not well formed or all zeros. */
  static parse(text: string | undefined): Traceparent | undefined {
    const [, trace = "", span = "", flags = ""] = TEXT.exec(text ?? "") ?? [];
    if (trace === "" || /^0+$/.test(trace) || /^0+$/.test(span)) return undefined;
    return Traceparent.of(trace, span, Number.parseInt(flags, 16));
  }

  /** Of ids in lower-case hexadecimal, 32 and 16 digits. */
  static of(traceId: string, spanId: string, flags: number): Traceparent {
    const trace = [word(traceId, 0), word(traceId, 8), word(traceId, 16), word(traceId, 24)];
    return new Traceparent(trace as never, [word(spanId, 0), word(spanId, 8)], flags);
  }

  /** The place that lies in `bytes` from `at` on. */
  static read(bytes: Uint8Array, at: number): Traceparent {
    const word32 = (index: number): number => read32(bytes, at + 4 * index);
    const trace = [word32(0), word32(1), word32(2), word32(3)] as const;
    return new Traceparent(trace, [word32(4), word32(5)], bytes[at + 24] as number);
  }

  /** True when the trace is recorded. */
  get isSampled(): boolean {
    return (this.flags & 1) === 1;
  }

  get traceId(): string {
    const [a, b, c, d] = this.trace;
    return hex(a) + hex(b) + hex(c) + hex(d);
  }

  get spanId(): string {
    return hex(this.span[0]) + hex(this.span[1]);
  }

  /** Writes {@link TRACEPARENT_BYTES} bytes: trace, span, flags. */
  write(bytes: Uint8Array, at: number): void {
    write32(bytes, at, this.trace[0]);
    write32(bytes, at + 4, this.trace[1]);
    write32(bytes, at + 8, this.trace[2]);
    write32(bytes, at + 12, this.trace[3]);
    write32(bytes, at + 16, this.span[0]);
    write32(bytes, at + 20, this.span[1]);
    bytes[at + 24] = this.flags;
  }

  /** The header `traceparent`. */
  toString(): string {
    return `00-${this.traceId}-${this.spanId}-${this.flags.toString(16).padStart(2, "0")}`;
  }
}
