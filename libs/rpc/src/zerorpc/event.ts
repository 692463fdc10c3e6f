import { Codec, type Headers } from "@zeroplane/link";
import { type EventId, idIn } from "./event-id.ts";

/** What zerorpc itself takes and sends: 64-bit integers, deep nesting, whatever follows the event. */
const codec = new Codec({ bigint: true, trailing: true, depthMax: 512, itemsMax: 1_000_000 });

/** Names of events that are no methods. */
export const Name = {
  ok: "OK",
  error: "ERR",
  item: "STREAM",
  end: "STREAM_DONE",
  beat: "_zpc_hb",
  more: "_zpc_more",
} as const;

/** The version of the protocol that every event of ours says. */
const VERSION = 3;
/** Header: one of ours asks whether it talks to one of ours, or answers that. */
const OURS = "zp";
const RESERVED: ReadonlySet<string> = new Set(["message_id", "v", "response_to", OURS]);
/** Bytes of free header keys and values that are kept. */
const HEADERS_MAX = 4_096;

/** One event of zerorpc, as it came. */
export interface ZerorpcEvent {
  /** `undefined` when it has none, as pushed events may. */
  readonly id: EventId | undefined;
  /** Names the channel by its first event. */
  readonly responseTo: EventId | undefined;
  /** 1 when it does not say. */
  readonly version: number;
  /** Free header keys with values that are text, or written as text. */
  readonly headers: Headers;
  /** True when the sender says that it is one of ours. */
  readonly isOurs: boolean;
  readonly name: string;
  readonly args: unknown;
  /** Why `args` could not be read, when they could not. */
  readonly refusal: string | undefined;
}

/** Free header keys, written once for all events of a channel. */
export interface Context {
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** An event to send. */
export interface Outgoing {
  /** Its own id, with its msgpack type. */
  readonly id: Uint8Array;
  readonly responseTo?: EventId | undefined;
  readonly context?: Context | undefined;
  readonly name: string;
  readonly args: unknown;
}

type Parts = readonly [header: unknown, name: unknown, args: unknown, refusal?: string];

/** @returns `undefined` for whatever is no event; nothing a peer sends makes it throw */
export function decodeEvent(payload: Buffer): ZerorpcEvent | undefined {
  const parts = partsOf(payload);
  if (parts === undefined) return undefined;
  const [header, rawName, args, refusal] = parts;
  const name = textOf(rawName);
  if (name === undefined) return undefined;
  const map = mapOf(header);
  const has = (key: string): boolean => (map[key] ?? undefined) !== undefined;
  const id = has("message_id") ? idIn(payload, "message_id") : undefined;
  const responseTo = has("response_to") ? idIn(payload, "response_to") : undefined;
  const version = typeof map["v"] === "number" ? map["v"] : 1;
  const isOurs = map[OURS] === 1;
  return { id, responseTo, version, headers: freeOf(map), isOurs, name, args, refusal };
}

/**
 * @returns the payload of `event`
 * @throws LinkError ERR_LINK_ENCODE when its arguments cannot travel
 */
export function encodeEvent({ id, responseTo, context, name, args }: Outgoing): Buffer {
  const keys = 2 + (context?.count ?? 0) + (responseTo === undefined ? 0 : 1);
  const parts: Uint8Array[] = [mapHead(keys), MESSAGE_ID, id, V3];
  if (context !== undefined) parts.push(context.bytes);
  if (responseTo !== undefined) parts.push(RESPONSE_TO, responseTo.bytes);
  parts.push(nameBytes(name), codec.encodeShared(args));
  return Buffer.concat(parts);
}

/** `headers` as keys of an event's header; `isOurs` adds the mark of our own peers. */
export function contextOf(headers: Headers, isOurs = false): Context | undefined {
  const entries = Object.entries(headers).filter(([key]) => !RESERVED.has(key));
  const all: [string, unknown][] = isOurs ? [...entries, [OURS, 1]] : entries;
  if (all.length === 0) return undefined;
  return { count: all.length, bytes: Buffer.concat(all.flat().map((part) => codec.encode(part))) };
}

const MESSAGE_ID = codec.encode("message_id");
const RESPONSE_TO = codec.encode("response_to");
const V3 = Buffer.concat([codec.encode("v"), codec.encode(VERSION)]);

function mapHead(keys: number): Uint8Array {
  if (keys < 16) return Buffer.of(0x93, 0x80 | keys);
  return Buffer.of(0x93, 0xde, keys >>> 8, keys & 0xff);
}

const names = new Map<string, Uint8Array>(
  Object.values(Name).map((name) => [name, codec.encode(name)]),
);
const nameBytes = (name: string): Uint8Array => names.get(name) ?? codec.encode(name);

function partsOf(payload: Buffer): Parts | undefined {
  try {
    const value = codec.decode(payload);
    return Array.isArray(value) && value.length === 3 ? (value as unknown as Parts) : undefined;
  } catch (error) {
    return headOf(payload, error instanceof Error ? error.message : String(error));
  }
}

/** Header and name of an event whose arguments break a rule: its sender can be told. */
function headOf(payload: Buffer, refusal: string): Parts | undefined {
  if (payload[0] !== 0x93) return undefined;
  try {
    const nameAt = codec.endOf(payload, 1);
    const nameEnd = codec.endOf(payload, nameAt);
    const header = codec.decode(payload, 1, nameAt);
    return [header, codec.decode(payload, nameAt, nameEnd), undefined, refusal];
  } catch {
    return undefined;
  }
}

/** Old peers have no type for bytes, and none for text. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof Uint8Array ? Buffer.from(value).toString() : undefined;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.getPrototypeOf(value) === null;

const mapOf = (header: unknown): Record<string, unknown> => (isMap(header) ? header : {});

function freeOf(map: Record<string, unknown>): Headers {
  const free: Headers = {};
  let left = HEADERS_MAX;
  for (const [key, value] of Object.entries(map)) {
    if (RESERVED.has(key)) continue;
    const text = typeof value === "number" ? String(value) : textOf(value);
    if (text === undefined || (left -= key.length + text.length) < 0) continue;
    free[key] = text;
  }
  return free;
}
