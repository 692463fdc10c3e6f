import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { decode, encode, type KeyPair, pairSecret } from "@zeroplane/link";
import { type Hint, hintOf } from "./message.ts";

/**
 * A beacon is one datagram, numbers with the highest byte first:
 *
 *     "zpB1"  public key of the sender (40)  time, ms (f64)  counter (u32)  bucket, buckets (u8, u8)
 *     length of the body (u16)  body: msgpack [id, epoch, at]
 *     one proof (16) for each key in the bucket that the sender trusts
 *
 * A proof is an HMAC-SHA256 of all before the proofs, under a secret that only two keys share: the
 * CURVE keys that lines use sign beacons as well, and nobody can tell from one who is trusted.
 */
const MAGIC = "zpB1";
const KEY_AT = 4;
const TIME_AT = KEY_AT + 40;
const COUNTER_AT = TIME_AT + 8;
const BUCKET_AT = COUNTER_AT + 4;
const LENGTH_AT = BUCKET_AT + 2;
const BODY_AT = LENGTH_AT + 2;
const PROOF_BYTES = 16;
/** Proofs in one datagram: with the rest they fit into a packet of 1 500 bytes, which is not cut up. */
const PROOFS_MAX = 46;
const BUCKETS_MAX = 255;
const BODY_BYTES_MAX = 676;
const DATAGRAM_BYTES_MAX = BODY_AT + BODY_BYTES_MAX + PROOFS_MAX * PROOF_BYTES;
/** Clocks may differ by so much; an older beacon is refused, however well it is signed. */
const WINDOW_MS = 30_000;
const SENDERS_MAX = 1_024;

/** Why a beacon was refused. */
export type BeaconRefusal = "malformed" | "foreign" | "forged" | "stale" | "replayed";

interface Stamp {
  readonly timeMs: number;
  readonly counter: number;
}

/** Signs and checks beacons with one key pair. */
export class BeaconSeal {
  readonly #key: KeyPair;
  readonly #secrets = new Map<string, Buffer>();
  readonly #last = new Map<string, Stamp>();
  #trusted: ReadonlySet<string> = new Set();
  #counter = 0;

  constructor(key: KeyPair) {
    this.#key = key;
  }

  /** Whom this side trusts from now on. */
  trust(keys: Iterable<string>): void {
    this.#trusted = new Set(keys);
    for (const key of this.#secrets.keys()) if (!this.#trusted.has(key)) this.#secrets.delete(key);
  }

  /** The datagrams of one beacon: one for each 46 keys or so that are trusted. */
  seal({ id, epoch, at }: Hint, timeMs: number): Buffer[] {
    const body = encode([id, epoch, at]);
    return bucketsOf([...this.#trusted]).map((keys, bucket, all) => {
      const head = Buffer.alloc(BODY_AT);
      head.write(MAGIC + this.#key.publicKey, "latin1");
      head.writeDoubleBE(timeMs, TIME_AT);
      head.writeUInt32BE(++this.#counter, COUNTER_AT);
      head.writeUInt8(bucket, BUCKET_AT);
      head.writeUInt8(all.length, BUCKET_AT + 1);
      head.writeUInt16BE(body.length, LENGTH_AT);
      const said = Buffer.concat([head, body]);
      return Buffer.concat([said, ...keys.map((key) => this.#proof(key, said))]);
    });
  }

  /**
   * Reads a datagram that may be anything.
   * @returns who is there, `undefined` when it is for others, or why it is refused
   */
  open(datagram: Uint8Array, nowMs: number): Hint | BeaconRefusal | undefined {
    const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.byteLength);
    if (bytes.length <= BODY_AT || bytes.length > DATAGRAM_BYTES_MAX) return "malformed";
    const end = BODY_AT + bytes.readUInt16BE(LENGTH_AT);
    const proofs = bytes.length - end;
    const isWhole = bytes.toString("latin1", 0, KEY_AT) === MAGIC && proofs % PROOF_BYTES === 0;
    if (!isWhole || proofs < 0) return "malformed";
    const key = bytes.toString("latin1", KEY_AT, TIME_AT);
    if (!this.#trusted.has(key)) return key === this.#key.publicKey ? undefined : "foreign";
    const buckets = bytes.readUInt8(BUCKET_AT + 1);
    if (bytes.readUInt8(BUCKET_AT) !== bucketOf(this.#key.publicKey, buckets)) return undefined;
    if (!this.#proves(key, bytes, end)) return "forged";
    const hint = hintIn(bytes.subarray(BODY_AT, end), key);
    return hint === undefined ? "malformed" : (this.#late(hint, stampOf(bytes), nowMs) ?? hint);
  }

  #proves(key: string, bytes: Buffer, end: number): boolean {
    const wanted = this.#proof(key, bytes.subarray(0, end));
    for (let at = end; at < bytes.length; at += PROOF_BYTES)
      if (timingSafeEqual(bytes.subarray(at, at + PROOF_BYTES), wanted)) return true;
    return false;
  }

  /** Each beacon is taken once: later ones of its sender only, and none that is older than the window. */
  #late({ id, key }: Hint, stamp: Stamp, nowMs: number): BeaconRefusal | undefined {
    if (!(Math.abs(nowMs - stamp.timeMs) <= WINDOW_MS)) return "stale";
    const sender = `${key}${id}`;
    const last = this.#last.get(sender);
    if (last !== undefined && !isLater(stamp, last)) return "replayed";
    this.#last.delete(sender);
    this.#last.set(sender, stamp);
    const [oldest] = this.#last.keys();
    if (this.#last.size > SENDERS_MAX && oldest !== undefined) this.#last.delete(oldest);
    return undefined;
  }

  #proof(key: string, said: Uint8Array): Buffer {
    let secret = this.#secrets.get(key);
    if (secret === undefined) {
      secret = pairSecret(this.#key, key, "zp1 beacon");
      this.#secrets.set(key, secret);
    }
    // The name of the sender is in it: both sides share the secret, and it cannot be sent back.
    return createHmac("sha256", secret).update(said).digest().subarray(0, PROOF_BYTES);
  }
}

const stampOf = (bytes: Buffer): Stamp => ({
  timeMs: bytes.readDoubleBE(TIME_AT),
  counter: bytes.readUInt32BE(COUNTER_AT),
});

const isLater = (a: Stamp, b: Stamp): boolean =>
  a.timeMs > b.timeMs || (a.timeMs === b.timeMs && a.counter > b.counter);

function hintIn(body: Uint8Array, key: string): Hint | undefined {
  try {
    const value = decode(body);
    return Array.isArray(value) ? hintOf([...value.slice(0, 3), key]) : undefined;
  } catch {
    return undefined;
  }
}

/** The keys of each datagram: few enough in every one. A key is in the same one for all who send. */
function bucketsOf(keys: readonly string[]): string[][] {
  for (let count = Math.max(1, Math.ceil(keys.length / PROOFS_MAX)); count < BUCKETS_MAX; count++) {
    const buckets: string[][] = Array.from({ length: count }, () => []);
    for (const key of keys) buckets[bucketOf(key, count)]?.push(key);
    if (buckets.every(({ length }) => length <= PROOFS_MAX)) return buckets;
  }
  return [];
}

function bucketOf(key: string, count: number): number {
  return createHash("sha256").update(key).digest().readUInt32BE() % count;
}
