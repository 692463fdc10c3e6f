import type { LogFiles } from "./log-files.ts";
import { type LogRecord, MARK, type Run, readRecord, recordBytes } from "./log-record.ts";

/** Bytes between two entries of the index. */
const STEP_BYTES = 64 * 1024;
/** Bytes of one reading. */
const READ_BYTES = 256 * 1024;
const NAME_DIGITS = 16;
const SUFFIX = ".log";

/** The name of the segment whose first number is `first`. */
export const segmentName = (first: number): string =>
  `${String(first).padStart(NAME_DIGITS, "0")}${SUFFIX}`;

/** @returns the first number of a segment, or `undefined` when the file is none */
export function firstOf(name: string): number | undefined {
  const digits = name.slice(0, NAME_DIGITS);
  return name === digits + SUFFIX && /^\d+$/.test(digits) ? Number(digits) : undefined;
}

/** One stored record, and the bytes it is in. */
export interface Stored {
  readonly bytes: Buffer;
  readonly record: LogRecord;
}

/** One file of a log, and a sparse index of the numbers in it. */
export class Segment {
  readonly name: string;
  /** The number that its first message has, had or will have. */
  readonly first: number;
  /** Highest number in it, or `first - 1`. */
  last: number;
  /** Bytes written. */
  size = 0;
  /** When its newest and its first message were put, milliseconds since 1970. */
  newestMs = 0;
  oldestMs = Number.POSITIVE_INFINITY;
  /** Where it could not be read. */
  readonly damaged = new Set<number>();
  readonly #index: { readonly seq: number; readonly at: number }[] = [];

  constructor(first: number) {
    this.name = segmentName(first);
    this.first = first;
    this.last = first - 1;
  }

  /** Messages are at byte `at`. */
  has({ first, last, newestMs }: Pick<Run, "first" | "last" | "newestMs">, at: number): void {
    this.last = Math.max(this.last, last);
    this.newestMs = Math.max(this.newestMs, newestMs);
    this.oldestMs = Math.min(this.oldestMs, newestMs);
    const before = this.#index.at(-1);
    if (before === undefined || at - before.at >= STEP_BYTES) this.#index.push({ seq: first, at });
  }

  /** Records from the number `from`, or a little before it, on. Damaged ones are left out. */
  *read(files: LogFiles, from: number): Generator<Stored> {
    let at = this.#index.findLast(({ seq }) => seq <= from)?.at ?? 0;
    while (at < this.size) {
      const bytes = this.#chunk(files, at);
      if (bytes.length === 0) return;
      let done = 0;
      for (;;) {
        const record = readRecord(bytes, done);
        if (record === undefined) break;
        yield { bytes, record };
        done = record.end;
      }
      if (done === 0) {
        // Nothing at all could be read: look for the next mark after the damage.
        this.damaged.add(at);
        done = afterDamage(bytes);
      }
      at += done;
    }
  }

  /** At least one whole record from `at` on, when it is not damaged. */
  #chunk(files: LogFiles, at: number): Buffer {
    const left = this.size - at;
    const bytes = files.read(this.name, at, Math.min(READ_BYTES, left));
    const need = recordBytes(bytes, 0) ?? 0;
    return need > bytes.length && need <= left ? files.read(this.name, at, need) : bytes;
  }
}

function afterDamage(bytes: Buffer): number {
  const next = bytes.indexOf(MARK, 1);
  return next > 0 ? next : Math.max(1, bytes.length - MARK.length + 1);
}
