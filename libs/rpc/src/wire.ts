import {
  decode,
  decodeOwned,
  encode,
  encodeShared,
  type Headers,
  quickBytes,
  type Session,
  TRACEPARENT_BYTES,
  Traceparent,
  writeQuick,
} from "@zeroplane/link";
import { RpcError } from "./errors.ts";
import { place } from "./record-place.ts";

export { VERB_RPC } from "./record-place.ts";

/**
 * The call protocol of zp1, one record of the link each (docs/protocol.md):
 *
 *     | kind 1 | id 4 | …
 *
 * method  id = index the caller gives the name      | name, utf-8
 * call    | method index 2 | flags 1 | ms left 4 | [headers] | [streams] | [place] | arguments
 *           headers, with flag 1: length 2, map
 *           streams, with flag 2: count 1, then argument index 1 and stream id 4 for each
 *           place, with flag 4: the header `traceparent` as trace 16, span 8, flags 1
 *           flag 8, without a place: the caller does not record it, and neither shall the receiver
 * cancel  (nothing)                    the receiver does not want the rest any more
 * credit  | bytes 4                    the receiver takes that many bytes of items more
 * result  | value                      ends the call
 * error   | error as a map             ends the call or the stream
 * item    | value                      one item of a stream
 * end     (nothing)                    the stream is complete
 *
 * 9 to 13 are item, end, error, cancel and credit of a stream among the arguments, which the
 * caller sends beside the call and by an id of its own. Ids are chosen by the caller, u32, unique
 * among its open calls and among the streams that it sends. Values are msgpack.
 */
export const Kind = {
  method: 1,
  call: 2,
  cancel: 3,
  credit: 4,
  result: 5,
  error: 6,
  item: 7,
  end: 8,
  /** Of streams among the arguments, by their own ids: from the caller, and back to it. */
  streamItem: 9,
  streamEnd: 10,
  streamError: 11,
  streamCancel: 12,
  streamCredit: 13,
  /** From the server: it takes no more calls, those that it has go on. */
  drain: 14,
  /** From the server, first of all: 36 characters that name its process, in utf-8. */
  server: 15,
} as const;

/** In the data of an error: the server does not know the names that the caller gave. */
export const UNNAMED = "unnamed";
/** Header: names a call that must not run twice. */
export const ONCE = "once";
/** Header: the process in which it may have run already; another one must refuse it. */
export const ONCE_OF = "once-of";

/** Bytes of items a stream may send before the receiver has asked for more. */
export const STREAM_WINDOW_BYTES = 256 * 1024;
export const HEAD_BYTES = 5;
const CALL_BYTES = HEAD_BYTES + 7;
const WITH_HEADERS = 1;
const WITH_STREAMS = 2;
const WITH_PLACE = 4;
const UNRECORDED = 8;
const STREAM_BYTES = 5;
const HEADERS_MAX = 4_096;
const STREAMS_MAX = 16;
/** Records of 16 KiB are frames of their own; their values are a little shorter. */
const OWN_BYTES = 17 * 1024;

/** An argument that is a stream: which one, and the id of its items. */
export interface ArgumentStream {
  readonly index: number;
  readonly id: number;
}

/** What a `call` record says. */
export interface CallRecord {
  readonly method: number;
  /** Time the caller will still wait, milliseconds; 0 for ever. */
  readonly leftMs: number;
  readonly headers: Headers | undefined;
  readonly streams: readonly ArgumentStream[];
  /** Where the caller is in its trace. */
  readonly place: Traceparent | undefined;
  readonly args: readonly unknown[];
}

function writeHead(bytes: Buffer, at: number, kind: number, id: number): void {
  bytes[at] = kind;
  bytes[at + 1] = id >>> 24;
  bytes[at + 2] = id >>> 16;
  bytes[at + 3] = id >>> 8;
  bytes[at + 4] = id;
}

/** The id of the record that begins at `start`. */
export function idAt(bytes: Buffer, start: number): number {
  return (
    (((bytes[start + 1] as number) << 24) |
      ((bytes[start + 2] as number) << 16) |
      ((bytes[start + 3] as number) << 8) |
      (bytes[start + 4] as number)) >>>
    0
  );
}

function copy(from: Uint8Array, to: Buffer, at: number): void {
  if (from.length > 48) to.set(from, at);
  else for (let i = 0; i < from.length; i++) to[at + i] = from[i] as number;
}

function sendBody(session: Session, kind: number, id: number, body: Uint8Array): number {
  const size = HEAD_BYTES + body.length;
  const { bytes, at } = place.take(session, size);
  writeHead(bytes, at, kind, id);
  copy(body, bytes, at + HEAD_BYTES);
  return place.send(session, size);
}

const NOTHING = new Uint8Array(0);

/** Sends a record with nothing but its head. */
export function sendBare(session: Session, kind: number, id: number): void {
  sendBody(session, kind, id, NOTHING);
}

/**
 * Sends a record whose rest is one value.
 * @returns its size, bytes
 * @throws LinkError ERR_LINK_ENCODE when it cannot travel
 */
export function sendValue(session: Session, kind: number, id: number, value: unknown): number {
  const quick = quickBytes(value);
  if (quick === 0) return sendBody(session, kind, id, encodeShared(value));
  const size = HEAD_BYTES + quick;
  const { bytes, at } = place.take(session, size);
  writeHead(bytes, at, kind, id);
  writeQuick(bytes, at + HEAD_BYTES, value);
  return place.send(session, size);
}

/** Sends a record whose rest is text. */
export function sendText(session: Session, kind: number, text: string, id = 0): void {
  sendBody(session, kind, id, Buffer.from(text));
}

/** Sends a record that gives credit. */
export function sendCredit(session: Session, kind: number, id: number, creditBytes: number): void {
  const body = Buffer.alloc(4);
  body.writeUInt32BE(Math.min(creditBytes, 0xffffffff));
  sendBody(session, kind, id, body);
}

/** @throws LinkError ERR_LINK_ENCODE when an argument cannot travel */
export function sendCall(session: Session, id: number, call: CallRecord): void {
  const { method, streams, place: from } = call;
  const headers = call.headers === undefined ? undefined : encodedHeaders(call.headers);
  const args = trimmed(call.args);
  const quick = quickBytes(args);
  const encoded = quick === 0 ? encodeShared(args) : NOTHING;
  const headersBytes = headers === undefined ? 0 : 2 + headers.length;
  const streamsBytes = streams.length === 0 ? 0 : 1 + STREAM_BYTES * streams.length;
  const isUnrecorded = from === Traceparent.UNRECORDED;
  const placeBytes = from === undefined || isUnrecorded ? 0 : TRACEPARENT_BYTES;
  const beforeArgs = CALL_BYTES + headersBytes + streamsBytes + placeBytes;
  const size = beforeArgs + quick + encoded.length;
  const { bytes, at } = place.take(session, size);
  writeHead(bytes, at, Kind.call, id);
  bytes[at + 5] = method >>> 8;
  bytes[at + 6] = method;
  bytes[at + 7] =
    (headersBytes && WITH_HEADERS) |
    (streamsBytes && WITH_STREAMS) |
    (placeBytes && WITH_PLACE) |
    (isUnrecorded ? UNRECORDED : 0);
  bytes.writeUInt32BE(Math.min(Math.ceil(call.leftMs), 0xffffffff), at + 8);
  if (headers !== undefined) {
    bytes.writeUInt16BE(headers.length, at + CALL_BYTES);
    bytes.set(headers, at + CALL_BYTES + 2);
  }
  if (streamsBytes > 0) writeStreams(bytes, at + CALL_BYTES + headersBytes, streams);
  if (placeBytes > 0) from?.write(bytes, at + beforeArgs - placeBytes);
  if (quick > 0) writeQuick(bytes, at + beforeArgs, args);
  else copy(encoded, bytes, at + beforeArgs);
  place.send(session, size);
}

function writeStreams(bytes: Buffer, start: number, streams: readonly ArgumentStream[]): void {
  let at = start;
  bytes[at++] = streams.length;
  for (const { index, id } of streams) {
    bytes[at] = index;
    bytes.writeUInt32BE(id, at + 1);
    at += STREAM_BYTES;
  }
}

function encodedHeaders(headers: Headers | undefined): Uint8Array | undefined {
  if (!hasKeys(headers)) return undefined;
  const bytes = encode(headers);
  if (bytes.length <= HEADERS_MAX) return bytes;
  throw new RpcError("ERR_INVALID_ARGUMENTS", `headers take more than ${HEADERS_MAX} bytes`);
}

/**
 * The `call` record that lies in `bytes` from `start` up to `end`.
 * @throws LinkError ERR_LINK_PROTOCOL or RpcError ERR_PROTOCOL when it is not well formed
 */
export function readCall(bytes: Buffer, start: number, end: number): CallRecord {
  if (end - start < CALL_BYTES) malformed("it ends too early");
  const flags = bytes[start + HEAD_BYTES + 2] as number;
  let at = start + CALL_BYTES;
  let headers: Headers | undefined;
  let streams: readonly ArgumentStream[] = [];
  if ((flags & WITH_HEADERS) !== 0) {
    if (at + 2 > end) malformed("it ends within its headers");
    const bodyAt = at + 2 + bytes.readUInt16BE(at);
    headers = decode(bytes, at + 2, Math.min(bodyAt, end)) as Headers;
    at = bodyAt;
  }
  if ((flags & WITH_STREAMS) !== 0) {
    streams = readStreams(bytes, at, end);
    at += 1 + STREAM_BYTES * streams.length;
  }
  let from: Traceparent | undefined;
  if ((flags & WITH_PLACE) !== 0) {
    if (at + TRACEPARENT_BYTES > end) malformed("it ends within its place in a trace");
    from = Traceparent.read(bytes, at);
    at += TRACEPARENT_BYTES;
  } else if ((flags & UNRECORDED) !== 0) from = Traceparent.UNRECORDED;
  const args = readValue(bytes, at, end);
  if (!Array.isArray(args)) malformed("its arguments are not an array");
  return {
    method: bytes.readUInt16BE(start + HEAD_BYTES),
    leftMs: bytes.readUInt32BE(start + HEAD_BYTES + 3),
    headers,
    streams,
    place: from,
    args,
  };
}

/**
 * The value that lies in a record from `at` up to `end`. A long record is a frame of its own, which
 * the link hands over for good.
 * @throws LinkError ERR_LINK_PROTOCOL when it is not well formed
 */
export const readValue = (bytes: Buffer, at: number, end: number): unknown =>
  end - at < OWN_BYTES ? decode(bytes, at, end) : decodeOwned(bytes, at, end);

function readStreams(bytes: Buffer, at: number, end: number): ArgumentStream[] {
  const count = at < end ? (bytes[at] as number) : STREAMS_MAX + 1;
  if (count > STREAMS_MAX || at + 1 + STREAM_BYTES * count > end) malformed("its streams");
  return Array.from({ length: count }, (_, i) => {
    const place = at + 1 + STREAM_BYTES * i;
    return { index: bytes[place] as number, id: bytes.readUInt32BE(place + 1) };
  });
}

function malformed(what: string): never {
  throw new RpcError("ERR_PROTOCOL", `a call record is not well formed: ${what}`);
}

function hasKeys(headers: Headers | undefined): headers is Headers {
  if (headers !== undefined) for (const _ in headers) return true;
  return false;
}

/** Trailing `undefined` arguments are left out, so that defaults apply as in a local call. */
export function trimmed(args: readonly unknown[]): readonly unknown[] {
  let length = args.length;
  while (length > 0 && args[length - 1] === undefined) length--;
  return length === args.length ? args : args.slice(0, length);
}
