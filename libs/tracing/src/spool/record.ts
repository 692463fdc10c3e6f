import { crc32 } from "node:zlib";
import { decode, encode } from "@zeroplane/link/codec";
import type { PipeClass } from "@zeroplane/patterns";
import type { RowAttributes } from "../call-rows.ts";

/** Begins each file of a spool: who writes it. */
export interface SpoolHead {
  readonly resource: RowAttributes;
  readonly boot: string;
  /** Spans of files before it that were given up for want of room, and were not sent. */
  readonly dropped: number;
}

/** A message of the pipe, as it was given to it. */
export interface SpoolMessage {
  readonly kind: string;
  readonly body: Uint8Array;
  readonly spans: number;
  readonly rank: PipeClass;
  /** When it was written, time of day in milliseconds. */
  readonly atMs: number;
}

/** What is in a file, up to where it is whole. */
export interface SpoolContent {
  readonly head: SpoolHead | undefined;
  readonly messages: readonly SpoolMessage[];
  /** Bytes at the end that are not whole: it was killed while it wrote them. */
  readonly tornBytes: number;
}

const PREFIX_BYTES = 8;

function framed(body: Uint8Array): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32LE(body.length);
  prefix.writeUInt32LE(crc32(body), 4);
  return Buffer.concat([prefix, body]);
}

/** A head as a record. */
export const headRecord = (head: SpoolHead): Buffer => framed(encode(head));

/** A message as a record. */
export const messageRecord = ({ kind, body, spans, rank, atMs }: SpoolMessage): Buffer =>
  framed(encode([kind, body, spans, rank, atMs]));

/** Reads a file of a spool; what follows a record that is not whole is not looked at. */
export function readSpool(bytes: Buffer): SpoolContent {
  const messages: SpoolMessage[] = [];
  let head: SpoolHead | undefined;
  let at = 0;
  for (let next = recordAt(bytes, at); next !== undefined; next = recordAt(bytes, at)) {
    const value = decode(next);
    if (Array.isArray(value)) messages.push(toMessage(value));
    else head = value as unknown as SpoolHead;
    at += PREFIX_BYTES + next.length;
  }
  return { head, messages, tornBytes: bytes.length - at };
}

/** `undefined` when it is not whole. */
function recordAt(bytes: Buffer, at: number): Buffer | undefined {
  if (at + PREFIX_BYTES > bytes.length) return undefined;
  const from = at + PREFIX_BYTES;
  const to = from + bytes.readUInt32LE(at);
  if (to > bytes.length) return undefined;
  const body = bytes.subarray(from, to);
  return crc32(body) === bytes.readUInt32LE(at + 4) ? body : undefined;
}

function toMessage(row: readonly unknown[]): SpoolMessage {
  const [kind, body, spans, rank, atMs] = row as [string, Uint8Array, number, PipeClass, number];
  return { kind, body, spans, rank, atMs };
}
