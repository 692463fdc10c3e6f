import { crc32 } from "node:zlib";
import { decode, encode } from "@zeroplane/link";
import { type FeedMessage, fromWire, toWire } from "./message.ts";

/**
 * A record of a log: a mark, the length and the CRC-32 of what follows, then either a message or
 * the facts that a log begins a segment with. The mark is where reading goes on after a damage.
 */
const MARK = Buffer.from("zpr\u0001");
const HEADER_BYTES = 12;
/** Longer ones are damaged lengths: no session carries such a message. */
const PAYLOAD_MAX = 256 * 1024 * 1024;

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

/** One record that was read, at byte `at`, with the byte `end` after it. */
export interface LogRecord {
  readonly at: number;
  readonly end: number;
  readonly entry: { readonly message: FeedMessage } | { readonly facts: LogFacts };
}

/** Of the length as well: without it a mark and zeroes would be a record of no bytes. */
const SUMMED_BYTES = 8;
const sumOf = (header: Uint8Array, payload: Uint8Array): number => crc32(payload, crc32(header));

function framed(payload: Uint8Array): Buffer {
  const record = Buffer.alloc(HEADER_BYTES + payload.length);
  MARK.copy(record);
  record.writeUInt32BE(payload.length, 4);
  record.writeUInt32BE(sumOf(record.subarray(0, SUMMED_BYTES), payload), 8);
  record.set(payload, HEADER_BYTES);
  return record;
}

/** The bytes of a message in a log. */
export const messageRecord = (message: FeedMessage): Buffer => framed(encode(toWire(message)));

/** The bytes of the facts in a log. */
export const factsRecord = ({ node, epoch, reserved, clean }: LogFacts): Buffer =>
  framed(encode([node, epoch, reserved, clean]));

/** @returns the record at `at`, or `undefined` when there is no whole one */
export function readRecord(bytes: Buffer, at: number): LogRecord | undefined {
  if (at + HEADER_BYTES > bytes.length || bytes.compare(MARK, 0, 4, at, at + 4) !== 0) return;
  const end = at + HEADER_BYTES + bytes.readUInt32BE(at + 4);
  if (end > bytes.length) return;
  const payload = bytes.subarray(at + HEADER_BYTES, end);
  const header = bytes.subarray(at, at + SUMMED_BYTES);
  if (sumOf(header, payload) !== bytes.readUInt32BE(at + SUMMED_BYTES)) return;
  const fields = decode(payload) as unknown[];
  if (fields.length !== FACTS_FIELDS) return { at, end, entry: { message: fromWire(fields) } };
  const [node, epoch, reserved, clean] = fields as [string, number, number, boolean];
  return { at, end, entry: { facts: { node, epoch, reserved, clean } } };
}

const FACTS_FIELDS = 4;

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
