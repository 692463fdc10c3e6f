import { decode, encode } from "@zeroplane/link";
import type { FeedMessage, Origin } from "./message.ts";
import { topicFrame } from "./message.ts";
import { pack, unpack } from "./pack.ts";

/** Messages and bytes of one record; what is longer goes in several. */
const MESSAGES_MAX = 1_000;
const BYTES_MAX = 256 * 1024;

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
  const facts = encode([origin.node, origin.epoch, first.topic, first.prev]);
  return [Buffer.from(topicFrame(feed, first.topic)), facts, pack(messages)];
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
