import { crc32 } from "node:zlib";
import { decode, encode } from "@zeroplane/link";
import type { FeedMessage } from "./message.ts";
import { pack, unpack } from "./pack.ts";

/**
 * A record of a log: a mark, the length of what follows, the CRC-32 of both, then either messages
 * or the facts that a log begins a segment with. The mark is where reading goes on after a damage.
 */
export const MARK = Buffer.from("zpr\u0001");
const HEADER_BYTES = 12;
/** Longer ones are damaged lengths: no session carries such a message. */
const PAYLOAD_MAX = 256 * 1024 * 1024;
const SUM_AT = 8;
const SALT = 0x9e3779b9;
const Kind = { run: 1, facts: 2 } as const;
/** Kind u8, bytes of the topic u16, count u16, prev u48, first u48, newestMs u48. */
const RUN_BYTES = 23;
/** Messages and bytes of one record. */
const MESSAGES_MAX = 1_000;
const BYTES_MAX = 64 * 1024;

/** What a log knows of itself: begins each segment, and is written again when it changes. */
export interface LogFacts {
  /** Name and life of the publisher. */
  readonly node: string;
  readonly epoch: number;
  /** Numbers up to here may have been given, even when no message of them is left. */
  readonly reserved: number;
  /** True when the log was closed properly after this: nothing was given that is not in it. */
  readonly clean: boolean;
}

/** Messages of one topic with numbers one after the other, as they are stored. */
export interface Run {
  readonly topic: string;
  readonly first: number;
  readonly last: number;
  /** The number before the first, of the same topic. */
  readonly prev: number;
  /** When the last was put, milliseconds since 1970. */
  readonly newestMs: number;
  /** Where the packed messages begin. */
  readonly packedAt: number;
}

/** One record that was read, at byte `at`, with the byte `end` after it. */
export interface LogRecord {
  readonly at: number;
  readonly end: number;
  readonly run?: Run;
  readonly facts?: LogFacts;
}

/** Begins with the length, so that a mark and zeroes are no record of no bytes. */
const sumOf = (bytes: Buffer, at: number, end: number): number =>
  crc32(bytes.subarray(at + HEADER_BYTES, end), (SALT ^ (end - at)) >>> 0);

/** Writes the header into `record`, whose payload is there. */
function sealed(record: Buffer): Buffer {
  MARK.copy(record);
  record.writeUInt32BE(record.length - HEADER_BYTES, 4);
  record.writeUInt32BE(sumOf(record, 0, record.length), SUM_AT);
  return record;
}

/** The record of `messages`, at least one: of one topic, their numbers one after the other. */
function runRecord(messages: readonly FeedMessage[]): Buffer {
  const [first, newest] = [messages[0], messages.at(-1)];
  if (first === undefined || newest === undefined) throw new RangeError("a run has a message");
  const topicBytes = Buffer.byteLength(first.topic);
  const record = pack(messages, HEADER_BYTES + RUN_BYTES + topicBytes);
  record.writeUInt8(Kind.run, HEADER_BYTES);
  record.writeUInt16BE(topicBytes, HEADER_BYTES + 1);
  record.writeUInt16BE(messages.length, HEADER_BYTES + 3);
  record.writeUIntBE(first.prev, HEADER_BYTES + 5, 6);
  record.writeUIntBE(first.seq, HEADER_BYTES + 11, 6);
  record.writeUIntBE(newest.atMs, HEADER_BYTES + 17, 6);
  record.write(first.topic, HEADER_BYTES + RUN_BYTES);
  return sealed(record);
}

/** The records of `messages`, whose numbers rise: neighbours of one topic share one. */
export function runRecords(messages: readonly FeedMessage[]): Buffer[] {
  const records: Buffer[] = [];
  let begin = 0;
  let bytes = 0;
  for (let at = 1; at <= messages.length; at++) {
    const [before, next] = [messages[at - 1], messages[at]];
    bytes += before?.body.length ?? 0;
    const goesOn = next?.topic === before?.topic && next?.seq === (before?.seq ?? 0) + 1;
    if (goesOn && at - begin < MESSAGES_MAX && bytes < BYTES_MAX) continue;
    records.push(runRecord(messages.slice(begin, at)));
    begin = at;
    bytes = 0;
  }
  return records;
}

/** The bytes of the facts in a log. */
export function factsRecord({ node, epoch, reserved, clean }: LogFacts): Buffer {
  const fields = encode([node, epoch, reserved, clean]);
  const record = Buffer.alloc(HEADER_BYTES + 1 + fields.length);
  record.writeUInt8(Kind.facts, HEADER_BYTES);
  record.set(fields, HEADER_BYTES + 1);
  return sealed(record);
}

/** @returns the record at `at`, or `undefined` when there is no whole one */
export function readRecord(bytes: Buffer, at: number): LogRecord | undefined {
  const length = recordBytes(bytes, at);
  if (length === undefined || at + length > bytes.length) return undefined;
  const end = at + length;
  if (sumOf(bytes, at, end) !== bytes.readUInt32BE(at + SUM_AT)) return undefined;
  const payloadAt = at + HEADER_BYTES;
  if (bytes[payloadAt] === Kind.facts)
    return { at, end, facts: factsIn(bytes, payloadAt + 1, end) };
  return { at, end, run: runAt(bytes, at) };
}

/** The run in the record at `at`, which is whole. */
export function runAt(bytes: Buffer, at: number): Run {
  const payloadAt = at + HEADER_BYTES;
  const topicAt = payloadAt + RUN_BYTES;
  const packedAt = topicAt + bytes.readUInt16BE(payloadAt + 1);
  const first = bytes.readUIntBE(payloadAt + 11, 6);
  return {
    topic: bytes.toString("utf8", topicAt, packedAt),
    first,
    last: first + bytes.readUInt16BE(payloadAt + 3) - 1,
    prev: bytes.readUIntBE(payloadAt + 5, 6),
    newestMs: bytes.readUIntBE(payloadAt + 17, 6),
    packedAt,
  };
}

function factsIn(bytes: Buffer, at: number, end: number): LogFacts {
  const fields = decode(bytes.subarray(at, end)) as [string, number, number, boolean];
  const [node, epoch, reserved, clean] = fields;
  return { node, epoch, reserved, clean };
}

/** Bytes that the record at `at` needs, as far as its header can be read and believed. */
export function recordBytes(bytes: Buffer, at: number): number | undefined {
  if (at + HEADER_BYTES > bytes.length || bytes.compare(MARK, 0, 4, at, at + 4) !== 0) return;
  const length = bytes.readUInt32BE(at + 4);
  return length > PAYLOAD_MAX ? undefined : HEADER_BYTES + length;
}

/** Every whole record in `bytes`, past any that are damaged. */
export function* records(bytes: Buffer): Generator<LogRecord> {
  for (let at = 0; at >= 0 && at < bytes.length; ) {
    const record = readRecord(bytes, at);
    if (record !== undefined) yield record;
    at = record?.end ?? bytes.indexOf(MARK, at + 1);
  }
}

/**
 * @returns the messages in records that were sent, which no disk can have damaged, or `undefined`
 *   when one is not whole
 */
export function messagesIn(bytes: Buffer): FeedMessage[] | undefined {
  try {
    return unpacked(bytes);
  } catch {
    return undefined;
  }
}

function unpacked(bytes: Buffer): FeedMessage[] | undefined {
  const messages: FeedMessage[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = recordBytes(bytes, at);
    const end = at + (length ?? 0);
    if (length === undefined || end > bytes.length || bytes[at + HEADER_BYTES] !== Kind.run)
      return undefined;
    const { topic, prev, packedAt } = runAt(bytes, at);
    for (const each of unpack(topic, prev, bytes.subarray(packedAt, end))) messages.push(each);
    at = end;
  }
  return messages;
}
