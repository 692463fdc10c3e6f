import { PatternError } from "../errors.ts";
import type { Gap } from "./follower-core.ts";
import type { FeedStore, Found, Limits } from "./history.ts";
import type { LogFiles } from "./log-files.ts";
import { factsRecord, messageRecord } from "./log-record.ts";
import { scanLog } from "./log-scan.ts";
import type { FeedMessage, Origin } from "./message.ts";
import { Segment } from "./segment.ts";
import { matchesAny } from "./topics.ts";

/** Limits of a log. */
export interface LogLimits {
  /** Bytes after which a new segment begins (default 8 MiB). */
  readonly segmentBytes?: number;
  /** Whole segments go, the oldest first, when there are more bytes than this (default 256 MiB). */
  readonly bytesMax?: number;
  /** Whole segments go when their newest message is older than this (milliseconds; default never). */
  readonly keepMs?: number;
}

/** What a {@link SegmentLog} needs. */
export interface LogOptions extends LogLimits {
  readonly files: LogFiles;
  /** Name of the publisher, when the log is new. */
  readonly node: string;
  /** Runs `run` at the end of the turn. */
  readonly defer: (run: () => void) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Names a new life, when the log is new. */
  readonly newEpoch: () => number;
}

/** What went wrong with a log. */
export interface LogStats {
  /** Places that could not be read when it was opened. */
  readonly corrupt: number;
  /** Bytes of a torn end that were cut off when it was opened. */
  readonly tornBytes: number;
  readonly segments: number;
  /** Bytes that wait for the end of the turn, or for room on the disk. */
  readonly waitingBytes: number;
}

const SEGMENT_BYTES = 8 * 1024 * 1024;
const BYTES_MAX = 256 * 1024 * 1024;
/** A batch this large does not wait for the end of the turn. */
const BATCH_BYTES = 1024 * 1024;
/** Numbers that are set aside at once, so that a power failure gives none of them twice. */
const RESERVE = 100_000;
/** Bytes that one question reads at the most; the rest is asked for again. */
const READ_BYTES = 4 * 1024 * 1024;
const HOLES_MAX = 1_000;

/**
 * The history of a feed in files: what is put in one turn is written at its end. The operating
 * system has it then; a power failure may take the last seconds, which shows as a hole.
 */
export class SegmentLog implements FeedStore {
  /** Name and life of the publisher: the same when the log is opened again. */
  readonly origin: Origin;
  /** The last number that may have been given before this was opened. */
  readonly head: number;
  /** Up to here `lastOf` and the messages do not tell everything. */
  readonly base: number;
  /** The last message of each topic that was found. */
  readonly lastOf: ReadonlyMap<string, number>;
  readonly #options: LogOptions;
  readonly #segments: Segment[];
  readonly #found: { readonly corrupt: number; readonly tornBytes: number };
  #holes: Gap[];
  #reserved: number;
  #written: number;
  #waiting: { readonly message: FeedMessage; readonly record: Buffer }[] = [];
  #waitingBytes = 0;
  #isDeferred = false;
  #fault: unknown;
  #isClosed = false;
  dropped = 0;

  /** @throws what the file system throws, when the log cannot be read or written to */
  constructor(options: LogOptions) {
    this.#options = options;
    const scan = scanLog(options.files);
    const { facts, last, lastOf, holes, corrupt, tornBytes } = scan;
    const isDamaged = corrupt > 0 || tornBytes > 0;
    // After a proper close what is reserved is what was given; damage may hide a later reserve.
    this.head = Math.max(last, facts?.reserved ?? 0) + (isDamaged ? RESERVE : 0);
    const { node, epoch } = facts ?? { node: options.node, epoch: options.newEpoch() };
    this.origin = { node, epoch };
    this.lastOf = lastOf;
    this.#segments = scan.segments;
    if (this.head > last) holes.push({ from: last + 1, to: this.head });
    this.#holes = fewer(holes);
    this.base = Math.max(this.#holes.at(-1)?.to ?? 0, this.oldest - 1, 0);
    this.#found = { corrupt, tornBytes };
    this.#written = this.head;
    this.#reserved = this.head;
    this.#begin(this.head + 1);
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { size }) => sum + size, this.#waitingBytes);
  }

  get oldest(): number {
    const oldest = this.#segments[0]?.first ?? this.#waiting[0]?.message.seq ?? 0;
    return oldest > this.#written + this.#waiting.length ? 0 : oldest;
  }

  /** What went wrong, and how much waits. */
  stats(): LogStats {
    const [segments, waitingBytes] = [this.#segments.length, this.#waitingBytes];
    return { ...this.#found, segments, waitingBytes };
  }

  push(message: FeedMessage): void {
    if (this.#isClosed) throw new PatternError("ERR_CLOSED", "the log is closed");
    if (this.#fault !== undefined || message.seq > this.#reserved) this.#prepare(message.seq);
    const record = messageRecord(message);
    this.#waiting.push({ message, record });
    this.#waitingBytes += record.length;
    if (this.#waitingBytes >= BATCH_BYTES) this.#tryFlush();
    else this.#flushLater();
  }

  range(patterns: readonly string[], from: number, { to, count }: Limits): Found {
    const messages: FeedMessage[] = [];
    let readBytes = 0;
    for (const { message, bytes } of this.#read(from)) {
      if (message.seq > to) break;
      readBytes += bytes;
      if (messages.length >= count || readBytes > READ_BYTES + bytes)
        return { messages, next: message.seq, holes: this.#holesIn(from, message.seq - 1) };
      if (matchesAny(patterns, message.topic)) messages.push(message);
    }
    return { messages, next: to + 1, holes: this.#holesIn(from, to) };
  }

  before(atMs: number): number {
    const segment = this.#segments.find(({ newestMs }) => newestMs >= atMs);
    for (const { message } of this.#read(segment?.first ?? this.#written + 1)) {
      if (message.atMs >= atMs) return message.seq - 1;
    }
    return this.#written + this.#waiting.length;
  }

  /** Writes what waits, and that nothing is missing. @throws what the file system throws */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#flush();
      this.#writeFacts(this.#active(), { reserved: this.#written, clean: true });
    } finally {
      this.#options.files.close();
    }
  }

  *#read(from: number): Generator<{ readonly message: FeedMessage; readonly bytes: number }> {
    for (const segment of this.#segments) {
      if (segment.last < from) continue;
      for (const { at, end, entry } of segment.read(this.#options.files, from)) {
        if ("message" in entry && entry.message.seq >= from)
          yield { message: entry.message, bytes: end - at };
      }
    }
    for (const { message, record } of this.#waiting) {
      if (message.seq >= from) yield { message, bytes: record.length };
    }
  }

  #holesIn(from: number, to: number): Gap[] {
    return this.#holes.filter((hole) => hole.to >= from && hole.from <= to);
  }

  /** Writes what could not be written before, and sets numbers aside. */
  #prepare(seq: number): void {
    try {
      this.#flush();
      if (seq > this.#reserved) this.#reserve(this.#active(), seq + RESERVE);
      this.#fault = undefined;
    } catch (error) {
      this.#fault = error;
      const text = `the log takes nothing more: ${String(error)}`;
      throw new PatternError("ERR_DISK_FULL", text, { cause: error });
    }
  }

  #flushLater(): void {
    if (this.#isDeferred) return;
    this.#isDeferred = true;
    this.#options.defer(() => {
      this.#isDeferred = false;
      if (!this.#isClosed) this.#tryFlush();
    });
  }

  /** What cannot be written waits, and nothing more is taken until it is. */
  #tryFlush(): void {
    try {
      this.#flush();
      this.#retain();
      this.#fault = undefined;
    } catch (error) {
      this.#fault = error;
    }
  }

  #flush(): void {
    if (this.#waiting.length === 0) return;
    const segment = this.#active();
    let at = segment.size;
    this.#options.files.write(
      segment.name,
      at,
      Buffer.concat(this.#waiting.map(({ record }) => record)),
    );
    for (const { message, record } of this.#waiting) {
      segment.has(message, at);
      this.#written = message.seq;
      at += record.length;
    }
    segment.size = at;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** The segment to write to: a new one when the newest is full. */
  #active(): Segment {
    const newest = this.#segments.at(-1);
    const { segmentBytes = SEGMENT_BYTES, files } = this.#options;
    if (newest !== undefined && newest.size < segmentBytes) return newest;
    if (newest !== undefined) files.sync(newest.name);
    return this.#begin(this.#written + 1);
  }

  #begin(first: number): Segment {
    const newest = this.#segments.at(-1);
    const segment = newest?.first === first ? newest : new Segment(first);
    this.#reserve(segment, Math.max(this.#reserved, first + RESERVE));
    if (segment !== newest) this.#segments.push(segment);
    return segment;
  }

  #reserve(segment: Segment, reserved: number): void {
    this.#writeFacts(segment, { reserved, clean: false });
    this.#reserved = reserved;
  }

  #writeFacts(
    segment: Segment,
    facts: { readonly reserved: number; readonly clean: boolean },
  ): void {
    const record = factsRecord({ ...this.origin, ...facts });
    this.#options.files.write(segment.name, segment.size, record);
    this.#options.files.sync(segment.name);
    segment.size += record.length;
  }

  #retain(): void {
    const { bytesMax = BYTES_MAX, keepMs = Number.POSITIVE_INFINITY, files, now } = this.#options;
    for (;;) {
      const [oldest, next] = this.#segments;
      if (oldest === undefined || next === undefined) break;
      if (this.bytes <= bytesMax && now() - oldest.newestMs <= keepMs) break;
      files.remove(oldest.name);
      this.#segments.shift();
      this.dropped += next.first - oldest.first;
    }
    this.#holes = this.#holes.filter(({ to }) => to >= this.oldest);
  }
}

/** A bounded number of holes: the oldest become one, which says more than is missing. */
function fewer(holes: readonly Gap[]): Gap[] {
  const [first] = holes;
  const last = holes.at(-HOLES_MAX);
  if (first === undefined || last === undefined) return [...holes];
  return [{ from: first.from, to: last.to }, ...holes.slice(1 - HOLES_MAX)];
}
