import { decode, encode, type Headers } from "@zeroplane/link";
import type { FeedMessage } from "./message.ts";

/** Bytes before each message: seq u48, atMs u48, headers u16, body u32. */
const PREFIX_BYTES = 18;
const HEADERS_BYTES_MAX = 0xffff;
/** What most messages travel with. */
export const NO_HEADERS: Headers = Object.freeze({});
const NO_BYTES = new Uint8Array(0);

/** Messages of one topic, one after the other, `room` bytes before the first left free. */
export function pack(messages: readonly FeedMessage[], room = 0): Buffer {
  const heads: Uint8Array[] = [];
  let size = room;
  for (const { headers, body } of messages) {
    const head = headersOf(headers);
    heads.push(head);
    size += PREFIX_BYTES + head.length + body.length;
  }
  const packed = Buffer.allocUnsafe(size);
  let at = room;
  let index = 0;
  for (const { seq, atMs, body } of messages) {
    const head = heads[index++] ?? NO_BYTES;
    packed.writeUIntBE(seq, at, 6);
    packed.writeUIntBE(atMs, at + 6, 6);
    packed.writeUInt16BE(head.length, at + 12);
    packed.writeUInt32BE(body.length, at + 14);
    at += PREFIX_BYTES;
    if (head.length > 0) packed.set(head, at);
    packed.set(body, at + head.length);
    at += head.length + body.length;
  }
  return packed;
}

/** What cannot fit is left out: a trace that is lost is better than a message that is. */
function headersOf(headers: Headers): Uint8Array {
  if (headers === NO_HEADERS) return NO_BYTES;
  for (const _ in headers) {
    const bytes = encode(headers);
    return bytes.length > HEADERS_BYTES_MAX ? NO_BYTES : bytes;
  }
  return NO_BYTES;
}

/**
 * The messages in `packed`, which share its memory.
 * @param before the number before the first of the same topic
 * @throws RangeError when it ends early or its numbers do not rise
 */
export function unpack(topic: string, before: number, packed: Buffer): FeedMessage[] {
  const messages: FeedMessage[] = [];
  let prev = before;
  for (let at = 0; at < packed.length; ) {
    const seq = packed.readUIntBE(at, 6);
    const atMs = packed.readUIntBE(at + 6, 6);
    const bodyAt = at + PREFIX_BYTES + packed.readUInt16BE(at + 12);
    const end = bodyAt + packed.readUInt32BE(at + 14);
    if (end > packed.length) throw new RangeError("a message is cut short");
    if (seq <= prev) throw new RangeError("numbers do not rise");
    const hasHeaders = bodyAt > at + PREFIX_BYTES;
    const headers = hasHeaders
      ? (decode(packed, at + PREFIX_BYTES, bodyAt) as Headers)
      : NO_HEADERS;
    messages.push({ topic, seq, prev, atMs, headers, body: packed.subarray(bodyAt, end) });
    prev = seq;
    at = end;
  }
  return messages;
}
