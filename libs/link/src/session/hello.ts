import { decode, encode } from "../codec.ts";
import { LinkError } from "../errors.ts";

/** The version of the session protocol spoken here. */
export const PROTOCOL = 1;

/** The dialer's first word, and again after each loss of the line. */
export interface Hello {
  readonly version: number;
  /** 16 random bytes that name the session. */
  readonly session: Uint8Array;
  /** Counts the hellos of a session; the welcome repeats it. */
  readonly attempt: number;
  /** Name of the dialling process, at most 128 characters. */
  readonly node: string;
  /** The incarnation that `receive` belongs to; it stands in the header of the packet. */
  readonly epoch: number;
  /** Next packet number expected. */
  readonly receive: number;
  /** Bytes beyond `receive` that are welcome. */
  readonly window: number;
  /** The dialer's public key and the proof that it holds the secret one. */
  readonly key?: string;
  readonly proof?: Uint8Array;
}

/** The answer to a hello. */
export interface Welcome {
  readonly version: number;
  readonly attempt: number;
  readonly node: string;
  /** False when the acceptor has no memory of the session: it starts from nothing. */
  readonly resumed: boolean;
  readonly epoch: number;
  readonly receive: number;
  readonly window: number;
}

const NODE_LENGTH_MAX = 128;

function invalid(what: string): never {
  throw new LinkError("ERR_LINK_PROTOCOL", `hello refused: ${what}`);
}

function fields(bytes: Uint8Array): Record<string, unknown> {
  const value = decode(bytes);
  if (typeof value !== "object" || value === null || Array.isArray(value)) invalid("not a map");
  return value as Record<string, unknown>;
}

function natural(value: unknown, name: string): number {
  const fits = typeof value === "number" && Number.isInteger(value) && value >= 0;
  if (!fits || value > 0xffffffff) invalid(`${name} is not a u32`);
  return value;
}

function nodeName(value: unknown): string {
  if (typeof value !== "string" || value.length > NODE_LENGTH_MAX) invalid("no node name");
  return value;
}

function checkVersion(value: unknown): number {
  const version = natural(value, "version");
  if (version < 1) invalid(`version ${version}; this side speaks ${PROTOCOL}`);
  return version;
}

export const encodeHello = (hello: Omit<Hello, "epoch">): Uint8Array => encode(hello);
export const encodeWelcome = (welcome: Welcome): Uint8Array => encode(welcome);

/**
 * @param epoch from the header of the packet
 * @throws LinkError ERR_LINK_PROTOCOL when a field is missing or wrong; unknown ones are ignored
 */
export function decodeHello(bytes: Uint8Array, epoch: number): Hello {
  const map = fields(bytes);
  const { session, key, proof } = map;
  if (!(session instanceof Uint8Array) || session.length !== 16) invalid("no session id");
  return {
    version: checkVersion(map["version"]),
    session,
    attempt: natural(map["attempt"], "attempt"),
    node: nodeName(map["node"]),
    epoch,
    receive: natural(map["receive"], "receive"),
    window: natural(map["window"], "window"),
    ...(typeof key === "string" && { key }),
    ...(proof instanceof Uint8Array && { proof }),
  };
}

/** @throws LinkError ERR_LINK_PROTOCOL when a field is missing or wrong; unknown ones are ignored */
export function decodeWelcome(bytes: Uint8Array): Welcome {
  const map = fields(bytes);
  return {
    version: checkVersion(map["version"]),
    attempt: natural(map["attempt"], "attempt"),
    node: nodeName(map["node"]),
    resumed: map["resumed"] === true,
    epoch: natural(map["epoch"], "epoch"),
    receive: natural(map["receive"], "receive"),
    window: natural(map["window"], "window"),
  };
}
