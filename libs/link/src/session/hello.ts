import { decode, encode } from "../codec.ts";
import { LinkError } from "../errors.ts";

/** The version of the session protocol spoken here. */
export const PROTOCOL = 1;

/** Somebody that a relay speaks for. */
export interface Via {
  readonly node: string;
  readonly key?: string | undefined;
}

/** What both sides say of themselves. */
export interface Introduction {
  /** Highest version of the protocol that this side speaks. */
  readonly version: number;
  /** The dialer counts its hellos; the answer repeats the number. */
  readonly attempt: number;
  /** Name of the process, at most 128 characters. */
  readonly node: string;
  /** What the process can do: at most 32 names of at most 64 characters. Unknown ones are ignored. */
  readonly capabilities: readonly string[];
  /** Next packet number expected. */
  readonly receive: number;
  /** Bytes beyond `receive` that are welcome. */
  readonly window: number;
  /** Packets beyond `receive` that are welcome. */
  readonly packets: number;
  /** How often this side wants to be asked for a sign of life at the most, milliseconds. */
  readonly beat: number;
}

/** The dialer's first word, and again after each loss of the line. */
export interface Hello extends Introduction {
  /** 16 random bytes that name the session. */
  readonly session: Uint8Array;
  /** The incarnation that `receive` belongs to; it stands in the header of the packet. */
  readonly epoch: number;
  /** On whose behalf the dialer speaks, nearest first; at most 8. */
  readonly via: readonly Via[];
  /** The dialer's public key and the proof that it holds the secret one. */
  readonly key?: string;
  readonly proof?: Uint8Array;
}

/** The answer to a hello. */
export interface Welcome extends Introduction {
  /** False when the acceptor has no memory of the session: it starts from nothing. */
  readonly resumed: boolean;
  readonly epoch: number;
}

/** The answer to a hello that is not welcome. */
export interface Refused {
  readonly attempt: number;
  /** One word: `key` or `sessions`. */
  readonly reason: string;
}

const NODE_LENGTH_MAX = 128;
const CAPABILITIES_MAX = 32;
const CAPABILITY_LENGTH_MAX = 64;
const KEY_LENGTH = 40;
const REASON_LENGTH_MAX = 64;
/** Processes a record may pass on its way; a longer way is a circle. */
export const VIA_MAX = 8;

type Fields = Readonly<Record<string, unknown>>;

function invalid(what: string): never {
  throw new LinkError("ERR_LINK_PROTOCOL", `hello refused: ${what}`);
}

function fieldsOf(value: unknown): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) invalid("not a map");
  return value as Fields;
}

function natural(map: Fields, name: string): number {
  const value = map[name];
  const fits = typeof value === "number" && Number.isInteger(value) && value >= 0;
  if (!fits || value > 0xffffffff) invalid(`${name} is not a u32`);
  return value;
}

function text(map: Fields, name: string, lengthMax: number): string {
  const value = map[name];
  if (typeof value !== "string" || value.length > lengthMax) {
    invalid(`${name} is no text of at most ${lengthMax} characters`);
  }
  return value;
}

function list(map: Fields, name: string, countMax: number): readonly unknown[] {
  const value = map[name] ?? [];
  if (!Array.isArray(value) || value.length > countMax) {
    invalid(`${name} is no list of at most ${countMax}`);
  }
  return value;
}

function capability(value: unknown): string {
  return text({ capability: value }, "capability", CAPABILITY_LENGTH_MAX);
}

function viaOf(value: unknown): Via {
  const map = fieldsOf(value);
  const node = text(map, "node", NODE_LENGTH_MAX);
  return map["key"] === undefined ? { node } : { node, key: text(map, "key", KEY_LENGTH) };
}

function introduction(map: Fields): Introduction {
  const version = natural(map, "version");
  if (version < 1) invalid(`version ${version}; this side speaks ${PROTOCOL}`);
  return {
    version,
    attempt: natural(map, "attempt"),
    node: text(map, "node", NODE_LENGTH_MAX),
    capabilities: list(map, "capabilities", CAPABILITIES_MAX).map(capability),
    receive: natural(map, "receive"),
    window: natural(map, "window"),
    packets: natural(map, "packets"),
    beat: natural(map, "beat"),
  };
}

export const encodeHello = (hello: Omit<Hello, "epoch">): Uint8Array => encode(hello);
export const encodeWelcome = (welcome: Welcome): Uint8Array => encode(welcome);
export const encodeRefused = (refused: Refused): Uint8Array => encode(refused);

/**
 * @param epoch from the header of the packet
 * @throws LinkError ERR_LINK_PROTOCOL when a field is missing or wrong; unknown ones are ignored
 */
export function decodeHello(bytes: Uint8Array, epoch: number): Hello {
  const map = fieldsOf(decode(bytes));
  const { session, key, proof } = map;
  if (!(session instanceof Uint8Array) || session.length !== 16) invalid("no session id");
  return {
    ...introduction(map),
    session,
    epoch,
    via: list(map, "via", VIA_MAX).map(viaOf),
    ...(typeof key === "string" && { key }),
    ...(proof instanceof Uint8Array && { proof }),
  };
}

/** @throws LinkError ERR_LINK_PROTOCOL when a field is missing or wrong; unknown ones are ignored */
export function decodeWelcome(bytes: Uint8Array): Welcome {
  const map = fieldsOf(decode(bytes));
  const resumed = map["resumed"] === true;
  return { ...introduction(map), resumed, epoch: natural(map, "epoch") };
}

/** @throws LinkError ERR_LINK_PROTOCOL when a field is missing or wrong; unknown ones are ignored */
export function decodeRefused(bytes: Uint8Array): Refused {
  const map = fieldsOf(decode(bytes));
  return { attempt: natural(map, "attempt"), reason: text(map, "reason", REASON_LENGTH_MAX) };
}
