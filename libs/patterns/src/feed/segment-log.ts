import { PatternError } from "../errors.ts";
import type { FeedStore, Found, Wanted } from "./history.ts";
import type { LogFiles } from "./log-files.ts";
import { factsRecord, runAt, runRecords } from "./log-record.ts";
import { scanLog } from "./log-scan.ts";
import type { FeedMessage, Origin } from "./message.ts";
import { numberBefore, type Places, readRange } from "./reading.ts";
import { Segment } from "./segment.ts";
import { storeFault } from "./store-fault.ts";

/** Limits of a log. */
export interface LogLimits {
  /** Whole segments go, the oldest first, when there are more bytes than this (default 256 MiB). */
  readonly bytes?: number;
  /** Whole segments go when their newest message is older than this (milliseconds; default never). */
  readonly ageMs?: number;
  /** Bytes after which a new segment begins (default 8 MiB; at most an eighth of `bytes`). */
  readonly segmentBytes?: number;
}

/** What a {@link SegmentLog} needs. */
export interface LogOptions extends LogLimits {
  readonly files: LogFiles;
  /** Where the files are, for messages. */
  readonly folder: string;
  /** Name of the publisher, when the log is new. */
  readonly node: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Numbers that are set aside at once, so that none is given twice (default 100 000). */
  readonly reserve?: number;
  /** Names a new life, when the log is new. */
  readonly newEpoch: () => number;
}

/** What went wrong with a log. */
export interface LogStats {
  /** Places that could not be read: what was there is left out, and told as a gap. */
  readonly corrupt: number;
  /** Bytes of a torn end that were cut off when it was opened. */
  readonly tornBytes: number;
  readonly segments: number;
  /** Bytes that wait for the end of the turn, or for room on the disk. */
  readonly waitingBytes: number;
  /** Why nothing more is taken; it is tried again with each message and twice a second. */
  readonly fault?: string;
}

const SEGMENT_BYTES = 8 * 1024 * 1024;
const BYTES_MAX = 256 * 1024 * 1024;
/** An age and a number of bytes are kept to this part of them. */
const SEGMENTS_MIN = 8;
/** A batch this large does not wait for the end of the turn; twice of it is not taken. */
const BATCH_BYTES = 1024 * 1024;
const RESERVE = 100_000;
/** Bytes counted beside each body that waits. */
const OVERHEAD_BYTES = 64;

/**
 * The history of a feed in files: what is put in one turn is written at its end, before anybody
 * sees it. The operating system has it then, so that the end of the process loses nothing of it; a
 * power failure may take the last seconds, which shows as a hole.
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
  readonly #tornBytes: number;
  readonly #reserve: number;
  #corruptGone = 0;
  #written: number;
  #reserved: number;
  #waiting: FeedMessage[] = [];
  #waitingBytes = 0;
  #fault: PatternError | undefined;
  #isTorn = false;
  /** When the newest message that is not kept was put. */
  #goneMs: number;
  #isClosed = false;
  dropped = 0;

  /** @throws PatternError ERR_STORE or ERR_STORE_FULL when it cannot be read or written */
  constructor(options: LogOptions) {
    this.#options = options;
    const scan = this.#guarded(() => scanLog(options.files));
    const { facts, last, lastOf, holeTo, corrupt, tornBytes } = scan;
    this.#reserve = options.reserve ?? RESERVE;
    // After a proper close what is reserved is what was given; each damage may hide a later one.
    const hidden = (corrupt + Math.sign(tornBytes)) * this.#reserve;
    this.head = Math.max(last, facts?.reserved ?? 0) + hidden;
    const { node, epoch } = facts ?? { node: options.node, epoch: options.newEpoch() };
    this.origin = { node, epoch };
    this.lastOf = lastOf;
    this.#segments = scan.segments;
    this.#tornBytes = tornBytes;
    this.#written = this.head;
    this.#goneMs = this.head === 0 ? 0 : Number.POSITIVE_INFINITY;
    this.#reserved = this.head;
    this.base = Math.max(this.head > last ? this.head : holeTo, this.oldest - 1, 0);
    this.#guarded(() => this.#begin(this.head + 1));
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { size }) => sum + size, this.#waitingBytes);
  }

  get oldest(): number {
    const oldest = this.#segments[0]?.first ?? this.#waiting[0]?.seq ?? 0;
    return oldest > this.#written + this.#waiting.length ? 0 : oldest;
  }

  /** What went wrong, and how much waits. */
  stats(): LogStats {
    const corrupt = this.#segments.reduce((sum, { damaged }) => sum + damaged.size, 0);
    const [segments, waitingBytes] = [this.#segments.length, this.#waitingBytes];
    const found = { corrupt: corrupt + this.#corruptGone, tornBytes: this.#tornBytes };
    const fault = this.#fault?.message;
    return { ...found, segments, waitingBytes, ...(fault !== undefined && { fault }) };
  }

  push(message: FeedMessage): void {
    if (this.#isClosed) throw new PatternError("ERR_CLOSED", "the log is closed");
    if (this.#fault !== undefined || message.seq > this.#reserved) this.#prepare(message.seq);
    this.#waiting.push(message);
    this.#waitingBytes += message.body.length + message.topic.length + OVERHEAD_BYTES;
    if (this.#waitingBytes >= BATCH_BYTES) this.flush();
  }

  /** Writes what waits; what cannot be written waits on, and nothing more is taken until it is. */
  flush(): void {
    if (this.#isClosed) return;
    try {
      this.#flush();
      this.#retain();
      this.#fault = undefined;
    } catch (error) {
      this.#fault = storeFault(this.#options.folder, error);
    }
  }

  range(wanted: Wanted): Found {
    const head = this.#written + this.#waiting.length;
    const bounds = { oldest: this.oldest || head + 1, head };
    return this.#guarded(() => readRange(this.#places, wanted, bounds));
  }

  before(atMs: number): number {
    try {
      return numberBefore(this.#places, atMs) ?? (atMs > this.#goneMs ? this.#keptAfter : 0);
    } catch (error) {
      // Who follows from then on has rather more than less.
      this.#fault = storeFault(this.#options.folder, error);
      return 0;
    }
  }

  /** Up to here nothing is kept. */
  get #keptAfter(): number {
    return (this.oldest || this.#written + 1) - 1;
  }

  /** Writes what waits, and that nothing is missing. @throws PatternError when it cannot */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#guarded(() => {
        this.#flush();
        this.#writeFacts(this.#active(), { reserved: this.#written, clean: true });
      });
    } finally {
      this.#options.files.close();
    }
  }

  get #places(): Places {
    const { files } = this.#options;
    return { files, segments: this.#segments, waiting: this.#waiting };
  }

  /** Writes what could not be written before, and sets numbers aside. */
  #prepare(seq: number): void {
    this.#guarded(() => {
      this.#flush();
      if (seq > this.#reserved) this.#setAside(this.#active(), seq + this.#reserve);
      this.#fault = undefined;
    });
  }

  #guarded<R>(run: () => R): R {
    try {
      return run();
    } catch (error) {
      this.#fault = storeFault(this.#options.folder, error);
      throw this.#fault;
    }
  }

  #flush(): void {
    if (this.#waiting.length === 0) return;
    const segment = this.#active();
    const records = runRecords(this.#waiting);
    this.#write(segment, Buffer.concat(records));
    let at = segment.size;
    for (const record of records) {
      segment.has(runAt(record, 0), at);
      at += record.length;
    }
    segment.size = at;
    this.#written += this.#waiting.length;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** The segment to write to: a new one when the newest is full, or too old to let go of soon. */
  #active(): Segment {
    const newest = this.#segments.at(-1);
    const { files, now } = this.#options;
    // What a failed writing has left must not be taken for records later.
    if (this.#isTorn && newest !== undefined) files.truncate(newest.name, newest.size);
    this.#isTorn = false;
    const { ageMs = Number.POSITIVE_INFINITY, bytes = BYTES_MAX } = this.#options;
    const { segmentBytes = Math.min(SEGMENT_BYTES, bytes / SEGMENTS_MIN) } = this.#options;
    const isOld = newest !== undefined && now() - newest.oldestMs > ageMs / SEGMENTS_MIN;
    if (newest !== undefined && newest.size < segmentBytes && !isOld) return newest;
    if (newest !== undefined) files.sync(newest.name);
    return this.#begin(this.#written + 1);
  }

  #begin(first: number): Segment {
    const newest = this.#segments.at(-1);
    const segment = newest?.first === first ? newest : new Segment(first);
    this.#setAside(segment, Math.max(this.#reserved, first + this.#reserve));
    if (segment !== newest) this.#segments.push(segment);
    return segment;
  }

  #setAside(segment: Segment, reserved: number): void {
    this.#writeFacts(segment, { reserved, clean: false });
    this.#reserved = reserved;
  }

  #writeFacts(
    segment: Segment,
    facts: { readonly reserved: number; readonly clean: boolean },
  ): void {
    const record = factsRecord({ ...this.origin, ...facts });
    this.#write(segment, record);
    this.#options.files.sync(segment.name);
    segment.size += record.length;
  }

  #write(segment: Segment, bytes: Buffer): void {
    const { files } = this.#options;
    this.#isTorn = true;
    files.write(segment.name, segment.size, bytes);
    this.#isTorn = false;
  }

  #retain(): void {
    const { bytes = BYTES_MAX, ageMs = Number.POSITIVE_INFINITY, files, now } = this.#options;
    const newest = this.#segments.at(-1);
    // The last one goes as well when it is too old: after another has begun.
    const isOver = newest !== undefined && newest.last >= newest.first;
    if (isOver && now() - newest.newestMs > ageMs) this.#begin(this.#written + 1);
    for (;;) {
      const [oldest, next] = this.#segments;
      if (oldest === undefined || next === undefined) return;
      if (this.bytes <= bytes && now() - oldest.newestMs <= ageMs) return;
      files.remove(oldest.name);
      this.#corruptGone += oldest.damaged.size;
      this.#segments.shift();
      this.dropped += next.first - oldest.first;
      this.#goneMs = Math.max(this.#goneMs, oldest.newestMs);
    }
  }
}
