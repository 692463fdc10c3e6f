import type { Peer } from "./session/session.ts";
import { Waiters } from "./session/waiters.ts";

/** One record that went by. */
export interface TappedRecord {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** `in`: the peer sent it; `out`: this process did. */
  readonly direction: "in" | "out";
  readonly verb: number;
  readonly peer: Peer;
  /** Where the session was dialled or accepted. */
  readonly endpoint: string;
  /** Length of the whole body. */
  readonly sizeBytes: number;
  /** A copy of its beginning, up to `bodyBytesMax`. */
  readonly body: Buffer;
  /** Records that matched since the one before and found no place. */
  readonly dropped: number;
}

/** What a tap sees, and how much of it. */
export interface TapOptions {
  /** Only this verb (1 to 31). */
  readonly verb?: number | undefined;
  readonly direction?: "in" | "out" | undefined;
  /** Only sessions for which this is true. */
  readonly peer?: ((peer: Peer, endpoint: string) => boolean) | undefined;
  /** Share of the matching records that is copied, evenly spread: 0.01 is one in a hundred (default 1). */
  readonly sample?: number | undefined;
  /** Bytes of a body that are copied (default 4 KiB). */
  readonly bodyBytesMax?: number | undefined;
  /** Records that wait for the reader (default 1 024); further ones are dropped and counted. */
  readonly recordsMax?: number | undefined;
}

/** What a session tells of each record. */
type Glimpse = Pick<TappedRecord, "direction" | "verb" | "endpoint"> & {
  readonly body: Uint8Array;
  readonly peer: Peer;
};

const BODY_BYTES_MAX = 4 * 1024;
const RECORDS_MAX = 1_024;
const LONG_MS = 60_000;

/** Every open tap of the process; sessions look here, and do nothing more when it is empty. */
export const taps = new Set<Tap>();

/**
 * A copy of what sessions of this process send and receive, for a reader that may be slow: the
 * line never waits for it (the "espresso" of the ZeroMQ guide). Iterate it; dispose of it to end.
 */
export class Tap implements AsyncIterable<TappedRecord>, Disposable {
  readonly #options: TapOptions;
  readonly #waiters = new Waiters();
  #records: TappedRecord[] = [];
  #share = 1;
  #droppedSince = 0;
  #dropped = 0;
  #seen = 0;
  #closed = false;

  /** Use {@link tap}. */
  constructor(options: TapOptions) {
    this.#options = options;
  }

  /** Records that matched, whether copied or not, and those that found no place. */
  stats(): { readonly seen: number; readonly dropped: number; readonly waiting: number } {
    return { seen: this.#seen, dropped: this.#dropped, waiting: this.#records.length };
  }

  /** For sessions: a record goes by. */
  see(glimpse: Glimpse): void {
    const { verb, direction, peer, sample = 1, recordsMax = RECORDS_MAX } = this.#options;
    if (verb !== undefined && verb !== glimpse.verb) return;
    if (direction !== undefined && direction !== glimpse.direction) return;
    if (peer?.(glimpse.peer, glimpse.endpoint) === false) return;
    this.#seen++;
    this.#share += sample;
    if (this.#share < 1) return;
    this.#share -= Math.floor(this.#share);
    if (this.#records.length < recordsMax) this.#keep(glimpse);
    else this.#drop();
  }

  /** Records in the order they went by, until the tap is disposed of. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TappedRecord, void, undefined> {
    while (!this.#closed || this.#records.length > 0) {
      const records = this.#records;
      this.#records = [];
      yield* records;
      if (this.#records.length === 0 && !this.#closed) await this.#waiters.wait(LONG_MS);
    }
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    taps.delete(this);
    this.#closed = true;
    this.#waiters.wake();
  }

  #keep({ body, ...about }: Glimpse): void {
    const { bodyBytesMax = BODY_BYTES_MAX } = this.#options;
    this.#records.push({
      ...about,
      atMs: Date.now(),
      sizeBytes: body.length,
      body: Buffer.from(body.subarray(0, bodyBytesMax)),
      dropped: this.#droppedSince,
    });
    this.#droppedSince = 0;
    if (this.#records.length === 1) this.#waiters.wake();
  }

  #drop(): void {
    this.#dropped++;
    this.#droppedSince++;
  }
}

/**
 * Watches the records of every session of this process.
 * @throws RangeError when `sample` is not above 0 and at most 1
 */
export function tap(options: TapOptions = {}): Tap {
  const { sample = 1 } = options;
  if (!(sample > 0 && sample <= 1)) {
    throw new RangeError(`sample is a share above 0 and up to 1, not ${sample}`);
  }
  const opened = new Tap(options);
  taps.add(opened);
  return opened;
}
