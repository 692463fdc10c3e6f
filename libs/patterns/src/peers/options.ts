import { type KeyPair, type Keyring, type Listener, parseEndpoint } from "@zeroplane/link";
import { PatternError } from "../errors.ts";
import { ENDPOINT_LENGTH_MAX, isEndpoint, isName, NAME_LENGTH_MAX, OFFERS_MAX } from "./message.ts";
import type { PeersSettings } from "./settings.ts";

/** Who this side is to others, and whom it trusts: everyone in the folder of the keyring. */
export interface PeerKeys {
  readonly key: KeyPair;
  readonly keyring: Keyring;
}

/** How peers of one network find each other with no address at all. */
export interface BeaconOptions {
  /**
   * Multicast group, or the broadcast address of the network (default 239.192.90.80). It leaves no
   * router, so it finds peers on one LAN only.
   */
  readonly group?: string;
  /** UDP port, the same for all (default 9090). */
  readonly port?: number;
  /** Address of the network interface (default 127.0.0.1: this machine only). */
  readonly iface?: string;
  /** How often it is sent, milliseconds (default 1 000, from 50). */
  readonly everyMs?: number;
}

/** An address of a peer. With keys, `key` is the public key of whoever listens there. */
export interface SeedSource {
  readonly at: string;
  readonly key?: string | undefined;
}

/** A name that stands for the addresses of peers, and is looked up again and again. */
export interface DnsSource {
  /** `tcp://name:port`. */
  readonly dns: string;
  /** Between look-ups, milliseconds (default 5 000). */
  readonly everyMs?: number;
  /** With keys, the public key of whoever listens there: all of them have the same. */
  readonly key?: string | undefined;
}

/** Where peers are found: an address, a name, or the network itself. */
export type PeerSource = string | SeedSource | DnsSource | { readonly beacon: BeaconOptions };

/** Options of `openPeers`. */
export interface PeersOptions extends Partial<PeersSettings> {
  /** Name for people to read, at most 128 characters. */
  readonly name: string;
  /**
   * Tells this peer from all others, and is the same after a restart (default `name`). Of two that
   * have the same, one is refused and counted as `same id`.
   */
  readonly id?: string;
  /** Endpoint of each thing that this process offers: at most 64. */
  readonly offers?: Readonly<Record<string, string>>;
  /** Its load, in a unit of your own; asked for once a beat (default 0). */
  readonly load?: () => number;
  /** Where others are found; one of them is enough (default nowhere: this one waits to be found). */
  readonly sources?: readonly PeerSource[];
  /**
   * Where this peer listens for others (default `tcp://127.0.0.1:*`), or a listener of yours: give
   * that the same `lineBeatMs`, or a peer that is stopped may be `stalled` for a minute before it is
   * `down`.
   */
  readonly listen?: string | Listener;
  /** Where others reach that, when it is not where it is bound, as behind `tcp://0.0.0.0:*`. */
  readonly advertise?: string;
  /** Encrypts every line, and believes only peers whose key is in the keyring. */
  readonly keys?: PeerKeys | undefined;
  /** Allows a non-loopback endpoint without keys (default false). */
  readonly insecure?: boolean;
}

/** @throws PatternError ERR_BAD_OPTION naming the option that is wrong, and what it may be */
export function checkOptions({
  name,
  id = name,
  sources = [],
  keys,
  advertise,
}: PeersOptions): void {
  const wordy = `1 to ${NAME_LENGTH_MAX} characters`;
  if (!isName(name)) refuse(`the name of a peer is ${JSON.stringify(name)}; give ${wordy}`);
  if (!isName(id)) refuse(`the id of a peer is ${JSON.stringify(id)}; give ${wordy}`);
  if (advertise !== undefined) checkEndpoint("advertise", advertise);
  for (const source of sources.map(asObject)) {
    if ("beacon" in source) {
      if (keys === undefined) refuse("a beacon is signed with the key of its peer: give keys");
      continue;
    }
    if ("at" in source) checkEndpoint("a source", source.at);
    else if (hostOf(source.dns) === undefined)
      refuse(
        `the source ${JSON.stringify(source.dns)} has no name to look up; write tcp://name:port`,
      );
    if (keys !== undefined && source.key === undefined)
      refuse(
        `the source ${JSON.stringify(source)} has no key; give the public key of whoever is there`,
      );
  }
}

/** A source as an object. */
export const asObject = (source: PeerSource): Exclude<PeerSource, string> =>
  typeof source === "string" ? { at: source } : source;

/** @throws PatternError ERR_BAD_OPTION when it is no name, or `endpoint` cannot be dialled, or there are too many */
export function checkOffer(offer: string, endpoint: string, count: number): void {
  if (!isName(offer))
    refuse(`an offer is called ${JSON.stringify(offer)}; give 1 to ${NAME_LENGTH_MAX} characters`);
  if (count > OFFERS_MAX) refuse(`${count} offers; a peer has at most ${OFFERS_MAX}`);
  checkEndpoint(`the endpoint of ${offer}`, endpoint);
}

/**
 * Where others reach this peer.
 * @throws PatternError ERR_BAD_OPTION when nobody can dial it
 */
export function reachable(bound: string, advertise: string | undefined): string {
  if (advertise !== undefined) return advertise;
  const host = hostOf(bound);
  if (host === "0.0.0.0" || host === "*" || host === "[::]")
    refuse(`nobody can dial ${bound}; say where others reach it with advertise`);
  return bound;
}

function hostOf(endpoint: string): string | undefined {
  try {
    return parseEndpoint(endpoint)?.host;
  } catch {
    return undefined;
  }
}

function checkEndpoint(what: string, endpoint: string): void {
  if (isEndpoint(endpoint)) return;
  const shape = `write tcp://host:port, of at most ${ENDPOINT_LENGTH_MAX} characters`;
  refuse(`${what} is ${JSON.stringify(endpoint)}, which cannot be dialled; ${shape}`);
}

function refuse(text: string): never {
  throw new PatternError("ERR_BAD_OPTION", text);
}
