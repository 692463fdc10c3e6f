import { parseEndpoint } from "@zeroplane/link";

/**
 * Messages of `peers`, each `[kind, id of the sender, …]`. Every one stands for itself: any may be
 * lost, come twice or late, and the next beat says it again.
 *
 *     advert  epoch, sent, echo, hold, load, name, at, key, [[offer, endpoint], …]
 *     hints   [[id, epoch, at, key], …]     peers that the sender has a line to
 *     left    epoch                         the sender ends
 *
 * `sent` is the sender's clock in milliseconds; `echo` is the last `sent` it has from the other
 * side, -1 for none, and `hold` how long ago that came. `key` is "" without keys. `epoch` rises
 * with each life of a process: what an earlier one has said is no longer true.
 */
export const Kind = { advert: 1, hints: 2, left: 3 } as const;

/** Hints in one message. */
export const HINTS_MAX = 64;
export const OFFERS_MAX = 64;
export const NAME_LENGTH_MAX = 128;
export const ENDPOINT_LENGTH_MAX = 256;

/** Where somebody can be dialled; `key` is its public key, when keys are in use. */
export interface Address {
  readonly at: string;
  readonly key?: string | undefined;
}

/** Somebody that is said to be there. It is dialled, and believed only then. */
export interface Hint extends Address {
  readonly id: string;
  readonly epoch: number;
}

/** What a peer says of itself, once a beat. */
export interface Advert extends Hint {
  readonly kind: typeof Kind.advert;
  readonly sentMs: number;
  readonly echoMs: number;
  readonly holdMs: number;
  readonly load: number;
  readonly name: string;
  readonly offers: ReadonlyMap<string, string>;
}

/** One message, parsed. */
export type PeerMessage =
  | Advert
  | { readonly kind: typeof Kind.hints; readonly id: string; readonly hints: readonly Hint[] }
  | { readonly kind: typeof Kind.left; readonly id: string; readonly epoch: number };

/** A message as the codec takes it. */
export function toWire(message: PeerMessage): readonly unknown[] {
  const { kind, id } = message;
  if (kind === Kind.left) return [kind, id, message.epoch];
  if (kind === Kind.hints)
    return [kind, id, message.hints.map((each) => [each.id, each.epoch, each.at, each.key ?? ""])];
  const { epoch, sentMs, echoMs, holdMs, load, name, at, key = "", offers } = message;
  return [kind, id, epoch, sentMs, echoMs, holdMs, load, name, at, key, [...offers]];
}

/** @returns the message in a decoded record, or `undefined` when it is none */
export function fromWire(value: unknown): PeerMessage | undefined {
  if (!Array.isArray(value)) return undefined;
  const [kind, id, ...rest] = value as unknown[];
  if (!isName(id)) return undefined;
  if (kind === Kind.advert) return advertOf(id, rest);
  const [first] = rest;
  if (kind === Kind.left) return isEpoch(first) ? { kind, id, epoch: first } : undefined;
  if (kind !== Kind.hints || !Array.isArray(first) || first.length > HINTS_MAX) return undefined;
  const hints = first.map(hintOf);
  return hints.includes(undefined) ? undefined : { kind, id, hints: hints as Hint[] };
}

function advertOf(id: string, rest: readonly unknown[]): Advert | undefined {
  const [epoch, sentMs, echoMs, holdMs, load, name, at, key, pairs] = rest;
  const offers = offersOf(pairs);
  const numbers = [sentMs, echoMs, holdMs, load];
  if (!numbers.every((each) => typeof each === "number" && Number.isFinite(each))) return undefined;
  if (!isName(name) || offers === undefined) return undefined;
  const hint = hintOf([id, epoch, at, key]);
  return (
    hint && ({ kind: Kind.advert, ...hint, sentMs, echoMs, holdMs, load, name, offers } as Advert)
  );
}

/** @returns the hint in a decoded value, or `undefined` when it is none */
export function hintOf(value: unknown): Hint | undefined {
  if (!Array.isArray(value)) return undefined;
  const [id, epoch, at, key] = value as unknown[];
  if (!isName(id) || !isEpoch(epoch) || !isEndpoint(at) || typeof key !== "string")
    return undefined;
  if (key === "") return { id, epoch, at };
  return key.length === 40 ? { id, epoch, at, key } : undefined;
}

function offersOf(pairs: unknown): ReadonlyMap<string, string> | undefined {
  if (!Array.isArray(pairs) || pairs.length > OFFERS_MAX) return undefined;
  const isPair = (pair: unknown): pair is [string, string] =>
    Array.isArray(pair) && isName(pair[0]) && isEndpoint(pair[1]);
  return pairs.every(isPair) ? new Map(pairs) : undefined;
}

/** True for an id, a name or the name of an offer: 1 to 128 characters. */
export const isName = (value: unknown): value is string =>
  typeof value === "string" && value.length > 0 && value.length <= NAME_LENGTH_MAX;

const isEpoch = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) > 0;

/** True for an endpoint of at most 256 characters that can be dialled. */
export function isEndpoint(value: unknown): value is string {
  if (typeof value !== "string" || value.length > ENDPOINT_LENGTH_MAX) return false;
  try {
    return parseEndpoint(value)?.port !== 0;
  } catch {
    return false;
  }
}
