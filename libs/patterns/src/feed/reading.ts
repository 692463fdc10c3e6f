import type { Gap } from "./follower-core.ts";
import type { Found, Wanted } from "./history.ts";
import type { LogFiles } from "./log-files.ts";
import { readRecord, runRecords } from "./log-record.ts";
import type { FeedMessage } from "./message.ts";
import { unpack } from "./pack.ts";
import type { Segment, Stored } from "./segment.ts";

/** Bytes that one question reads at the most; the rest is asked for again. */
const READ_BYTES = 4 * 1024 * 1024;
const HOLES_MAX = 1_000;

/** Where the messages of a log are: in its segments, and those that wait to be written. */
export interface Places {
  readonly files: LogFiles;
  readonly segments: readonly Segment[];
  readonly waiting: readonly FeedMessage[];
}

/** What is stored from the number `from`, or a little before it, on. */
function* storedFrom({ files, segments, waiting }: Places, from: number): Generator<Stored> {
  for (const segment of segments) {
    if (segment.last < from) continue;
    for (const stored of segment.read(files, from))
      if ((stored.record.run?.last ?? 0) >= from) yield stored;
  }
  for (const bytes of runRecords(waiting.filter(({ seq }) => seq >= from))) {
    const record = readRecord(bytes, 0);
    if (record !== undefined) yield { bytes, record };
  }
}

/**
 * What of a log answers one question: its records as they are stored. Numbers follow each other in
 * a log, so those that are missing are a hole.
 * @param known the lowest number that is not too old; `head` is the highest that was given
 */
export function readRange(
  places: Places,
  { from, to, wants, bytesMax }: Wanted,
  { oldest, head }: { readonly oldest: number; readonly head: number },
): Found {
  const pieces = new Pieces();
  const holes: Gap[] = [];
  let expected = Math.max(from, oldest);
  let readBytes = 0;
  for (const stored of storedFrom(places, from)) {
    const { run, at, end } = stored.record;
    if (run === undefined) continue;
    if (run.first > to) break;
    const isEnough = pieces.bytes >= bytesMax || readBytes >= READ_BYTES;
    if (isEnough || holes.length >= HOLES_MAX)
      return { records: pieces.all(), next: Math.max(expected, from), holes };
    if (run.first > expected) holes.push({ from: expected, to: run.first - 1 });
    expected = run.last + 1;
    readBytes += end - at;
    if (wants(run.topic)) pieces.add(stored);
  }
  const last = Math.min(to, head);
  if (expected <= last) holes.push({ from: expected, to: last });
  return { records: pieces.all(), next: to + 1, holes };
}

/**
 * The number of the last message before the first that was put at `atMs` or later: what is lost in
 * between may be of that time. `undefined` when nothing is kept from before that time.
 */
export function numberBefore(places: Places, atMs: number): number | undefined {
  const used = places.segments.filter(({ first, last }) => last >= first);
  const found = used.findIndex(({ newestMs }) => newestMs >= atMs);
  const from = used.at(found === -1 ? -1 : Math.max(found - 1, 0))?.first;
  let before: number | undefined;
  for (const { bytes, record } of storedFrom(places, from ?? 0)) {
    const { run, end } = record;
    if (run === undefined) continue;
    for (const message of unpack(run.topic, run.prev, bytes.subarray(run.packedAt, end))) {
      if (message.atMs >= atMs) return before;
      before = message.seq;
    }
  }
  return before;
}

/** Records that are neighbours in what was read are one piece, and not copied. */
class Pieces {
  readonly #pieces: Buffer[] = [];
  #of: Buffer | undefined;
  #begin = 0;
  #end = 0;
  bytes = 0;

  add({ bytes, record: { at, end } }: Stored): void {
    this.bytes += end - at;
    if (this.#of === bytes && this.#end === at) {
      this.#end = end;
      return;
    }
    this.#cut();
    this.#of = bytes;
    this.#begin = at;
    this.#end = end;
  }

  all(): Buffer {
    this.#cut();
    const [only] = this.#pieces;
    return this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces);
  }

  #cut(): void {
    if (this.#of !== undefined) this.#pieces.push(this.#of.subarray(this.#begin, this.#end));
    this.#of = undefined;
  }
}
