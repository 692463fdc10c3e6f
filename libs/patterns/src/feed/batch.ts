import { decode, encode, type Headers } from "@zeroplane/link";
import type { FeedMessage, Origin } from "./message.ts";
import { topicFrame } from "./message.ts";

/** Bytes before each message of a record: seq u48, atMs u48, headers u16, body u32. */
const PREFIX_BYTES = 18;
/** Messages and bytes of one record; what is longer goes in several. */
const MESSAGES_MAX = 1_000;
const BYTES_MAX = 256 * 1024;
const HEADERS_BYTES_MAX = 0xffff;
const NO_HEADERS: Headers = Object.freeze({});
const NO_BYTES = new Uint8Array(0);

interface Batch {
  readonly messages: FeedMessage[];
  bytes: number;
}

/**
 * Messages that were put in one turn, by topic: each topic's go in one record, encoded once for
 * every follower, and the first of a turn waits for no timer.
 */
export class Batches {
  readonly #send: (topic: string, messages: readonly FeedMessage[]) => void;
  #open = new Map<string, Batch>();

  constructor(send: (topic: string, messages: readonly FeedMessage[]) => void) {
    this.#send = send;
  }

  /** Takes a message; it is sent when the running code has ended, or when a record is full. */
  add(message: FeedMessage): void {
    if (this.#open.size === 0) queueMicrotask(this.flush);
    let batch = this.#open.get(message.topic);
    if (batch === undefined) {
      batch = { messages: [], bytes: 0 };
      this.#open.set(message.topic, batch);
    }
    batch.messages.push(message);
    batch.bytes += message.body.length;
    if (batch.messages.length < MESSAGES_MAX && batch.bytes < BYTES_MAX) return;
    this.#send(message.topic, batch.messages);
    this.#open.set(message.topic, { messages: [], bytes: 0 });
  }

  /** Sends what is open. */
  readonly flush = (): void => {
    const open = this.#open;
    this.#open = new Map();
    for (const [topic, { messages }] of open) if (messages.length > 0) this.#send(topic, messages);
  };
}

/**
 * The frames of a record on the data lane: what subscribers filter by; who sent it, its topic and
 * the number before the first; and the messages, one after the other.
 */
export function toRecord(
  feed: string,
  origin: Origin,
  messages: readonly FeedMessage[],
): Uint8Array[] {
  const [first] = messages;
  if (first === undefined) throw new RangeError("a record has at least one message");
  const headers = messages.map((each) => headersOf(each.headers));
  let size = 0;
  for (const [at, { body }] of messages.entries())
    size += PREFIX_BYTES + (headers[at]?.length ?? 0) + body.length;
  const packed = Buffer.allocUnsafe(size);
  let at = 0;
  for (const [index, { seq, atMs, body }] of messages.entries()) {
    const head = headers[index] ?? NO_BYTES;
    packed.writeUIntBE(seq, at, 6);
    packed.writeUIntBE(atMs, at + 6, 6);
    packed.writeUInt16BE(head.length, at + 12);
    packed.writeUInt32BE(body.length, at + 14);
    at += PREFIX_BYTES;
    packed.set(head, at);
    packed.set(body, at + head.length);
    at += head.length + body.length;
  }
  const facts = encode([origin.node, origin.epoch, first.topic, first.prev]);
  return [Buffer.from(topicFrame(feed, first.topic)), facts, packed];
}

/** What cannot fit is left out: a trace that is lost is better than a message that is. */
function headersOf(headers: Headers): Uint8Array {
  for (const _ in headers) {
    const bytes = encode(headers);
    return bytes.length > HEADERS_BYTES_MAX ? NO_BYTES : bytes;
  }
  return NO_BYTES;
}

/**
 * @returns the messages of a record of `feed`, or `undefined` when it is none: cut short, with
 * numbers that do not rise, of another feed
 */
export function fromRecord(
  feed: string,
  [name, facts, packed]: readonly Buffer[],
): { readonly origin: Origin; readonly messages: FeedMessage[] } | undefined {
  if (name === undefined || facts === undefined || packed === undefined) return undefined;
  try {
    const fields = decode(facts);
    const [node, epoch, topic, prev] = Array.isArray(fields) ? (fields as unknown[]) : [];
    if (typeof node !== "string" || typeof epoch !== "number") return undefined;
    if (typeof topic !== "string" || typeof prev !== "number") return undefined;
    if (name.toString() !== topicFrame(feed, topic)) return undefined;
    return { origin: { node, epoch }, messages: unpack(topic, prev, packed) };
  } catch {
    return undefined;
  }
}

/** @throws RangeError when it ends early or its numbers do not rise */
function unpack(topic: string, before: number, packed: Buffer): FeedMessage[] {
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
