import { decode, encode, encodeShared, type Headers } from "@zeroplane/link";
import { RpcError } from "./errors.ts";

/**
 * The call protocol of zp1, one record of the link each (docs/protocol.md):
 *
 *     | kind 1 | id 4 | …
 *
 * method  id = index the caller gives the name      | name, utf-8
 * call    | method index 2 | flags 1 | ms left 4 | [headers length 2 | headers] | arguments
 * cancel  (nothing)                    the caller does not want the answer any more
 * credit  | bytes 4                    the caller takes that many bytes of items more
 * result  | value                      ends the call
 * error   | error as a map             ends the call
 * item    | value                      one item of a stream
 * end     (nothing)                    the stream is complete
 *
 * Ids are chosen by the caller, u32, unique among its open calls. Values are msgpack.
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
} as const;

/** The verb of the link that carries calls. */
export const VERB_RPC = 1;
/** Bytes of items a stream may send before the caller has asked for more. */
export const STREAM_WINDOW_BYTES = 256 * 1024;
export const HEAD_BYTES = 5;
const CALL_BYTES = HEAD_BYTES + 7;
const WITH_HEADERS = 1;

/** A record with nothing but its head. */
export function bare(kind: number, id: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES);
  bytes[0] = kind;
  bytes.writeUInt32BE(id, 1);
  return bytes;
}

/** A record whose rest is one value. @throws LinkError ERR_LINK_ENCODE when it cannot travel */
export function withValue(kind: number, id: number, value: unknown): Buffer {
  const body = encodeShared(value);
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + body.length);
  bytes[0] = kind;
  bytes.writeUInt32BE(id, 1);
  bytes.set(body, HEAD_BYTES);
  return bytes;
}

/** A `method` record. */
export function methodRecord(index: number, name: string): Buffer {
  return Buffer.concat([bare(Kind.method, index), Buffer.from(name)]);
}

/** A `credit` record. */
export function creditRecord(id: number, creditBytes: number): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES + 4);
  bytes[0] = Kind.credit;
  bytes.writeUInt32BE(id, 1);
  bytes.writeUInt32BE(creditBytes, HEAD_BYTES);
  return bytes;
}

/** What a `call` record says. */
export interface CallRecord {
  readonly method: number;
  /** Time the caller will still wait, milliseconds; 0 for ever. */
  readonly leftMs: number;
  readonly headers: Headers | undefined;
  readonly args: readonly unknown[];
}

const HEADERS_MAX = 4_096;

/** @throws LinkError ERR_LINK_ENCODE when an argument cannot travel */
export function callRecord(id: number, call: CallRecord): Buffer {
  const headers = hasKeys(call.headers) ? encode(call.headers) : undefined;
  if (headers !== undefined && headers.length > HEADERS_MAX) {
    throw new RpcError("ERR_INVALID_ARGUMENTS", `headers take more than ${HEADERS_MAX} bytes`);
  }
  const args = encodeShared(trimmed(call.args));
  const bodyAt = CALL_BYTES + (headers === undefined ? 0 : 2 + headers.length);
  const bytes = Buffer.allocUnsafe(bodyAt + args.length);
  bytes[0] = Kind.call;
  bytes.writeUInt32BE(id, 1);
  bytes.writeUInt16BE(call.method, HEAD_BYTES);
  bytes[HEAD_BYTES + 2] = headers === undefined ? 0 : WITH_HEADERS;
  bytes.writeUInt32BE(Math.min(Math.ceil(call.leftMs), 0xffffffff), HEAD_BYTES + 3);
  if (headers !== undefined) {
    bytes.writeUInt16BE(headers.length, CALL_BYTES);
    bytes.set(headers, CALL_BYTES + 2);
  }
  bytes.set(args, bodyAt);
  return bytes;
}

/** @throws LinkError ERR_LINK_PROTOCOL or RpcError ERR_PROTOCOL when it is not well formed */
export function readCall(bytes: Buffer): CallRecord {
  if (bytes.length < CALL_BYTES) throw new RpcError("ERR_PROTOCOL", "a call record ends too early");
  const flagged = bytes[HEAD_BYTES + 2] === WITH_HEADERS;
  const length = flagged ? bytes.readUInt16BE(CALL_BYTES) : 0;
  const bodyAt = CALL_BYTES + (flagged ? 2 + length : 0);
  const args = decode(bytes.subarray(bodyAt));
  if (!Array.isArray(args)) throw new RpcError("ERR_PROTOCOL", "arguments are not an array");
  const headers = flagged ? decode(bytes.subarray(CALL_BYTES + 2, bodyAt)) : undefined;
  return {
    method: bytes.readUInt16BE(HEAD_BYTES),
    leftMs: bytes.readUInt32BE(HEAD_BYTES + 3),
    headers: headers as Headers | undefined,
    args,
  };
}

function hasKeys(headers: Headers | undefined): headers is Headers {
  if (headers !== undefined) for (const _ in headers) return true;
  return false;
}

/** Trailing `undefined` arguments are left out, so that defaults apply as in a local call. */
function trimmed(args: readonly unknown[]): readonly unknown[] {
  let length = args.length;
  while (length > 0 && args[length - 1] === undefined) length--;
  return length === args.length ? args : args.slice(0, length);
}
