import { Decoder, Encoder, ExtensionCodec } from "@msgpack/msgpack";
import { readBinary, writeBinary } from "./binary.ts";
import { LinkError } from "./errors.ts";
import { type CodecLimits, prescan } from "./prescan.ts";
import { NOT_QUICK, QUICK_ITEMS_MAX, readQuick } from "./quick.ts";
import { Slab } from "./slab.ts";

const DEFAULTS: CodecLimits = {
  depthMax: 64,
  itemsMax: 100_000,
  bigint: false,
  trailing: false,
};

/** What may not travel because the other side would get something else, and what to send instead. */
const REFUSED: readonly (readonly [new (...args: never[]) => object, string])[] = [
  [Map, "a Map: send Object.fromEntries(map) or [...map]"],
  [Set, "a Set: send [...set]"],
  [Error, "an Error: throw it, or send its message"],
  [Promise, "a Promise: await it first"],
  [RegExp, "a RegExp: send its source"],
  [WeakMap, "a WeakMap"],
  [WeakSet, "a WeakSet"],
];

function cannot(what: string): never {
  throw new LinkError("ERR_LINK_ENCODE", `cannot send ${what}`);
}

/** Refuses what msgpack would lose in silence; dates become the standard timestamp extension. */
class StrictExtensions extends ExtensionCodec {
  override tryToEncode(
    object: unknown,
    context: undefined,
  ): ReturnType<ExtensionCodec["tryToEncode"]> {
    if (object instanceof Date) return super.tryToEncode(object, context);
    if (Array.isArray(object) || object instanceof Uint8Array) return null;
    if (ArrayBuffer.isView(object) || object instanceof ArrayBuffer) {
      cannot("a typed array other than Uint8Array: wrap its bytes in a Uint8Array");
    }
    const prototype: unknown = Object.getPrototypeOf(object);
    if (prototype === Object.prototype || prototype === null) return null;
    for (const [type, what] of REFUSED) if (object instanceof type) cannot(what);
    return null;
  }
}

interface DecoderInside {
  stack: { pushMapState(size: number): void; top(): { map: object } };
  readU64AsBigInt(): bigint | number;
  readI64AsBigInt(): bigint | number;
}

interface EncoderInside {
  encodeNumber(value: number): void;
  encodeBigInt64(value: bigint): void;
}

const U32_MAX = 0xffffffff;
const I32_MIN = -0x80000000;
const exact = (value: bigint | number): bigint | number =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value;

/** @msgpack/msgpack reads every 64-bit integer as a bigint then; here only what a number cannot hold. */
function withSafeNumbers(decoder: Decoder): Decoder {
  const inside = decoder as unknown as DecoderInside;
  const unsigned = inside.readU64AsBigInt.bind(inside);
  const signed = inside.readI64AsBigInt.bind(inside);
  inside.readU64AsBigInt = () => exact(unsigned());
  inside.readI64AsBigInt = () => exact(signed());
  return decoder;
}

/** It also writes integers beyond 32 bits as floats, and cuts off what is beyond 64 bits. */
function withWholeIntegers(encoder: Encoder): Encoder {
  const inside = encoder as unknown as EncoderInside;
  const small = inside.encodeNumber.bind(inside);
  const large = inside.encodeBigInt64.bind(inside);
  inside.encodeBigInt64 = (value) => {
    if (value >= 2n ** 64n || value < -(2n ** 63n)) cannot("an integer of more than 64 bits");
    large(value);
  };
  inside.encodeNumber = (value) => {
    const isLong = Number.isSafeInteger(value) && (value > U32_MAX || value < I32_MIN);
    if (isLong) large(BigInt(value));
    else small(value);
  };
  return encoder;
}

/** @msgpack/msgpack fills plain objects; a map from the wire must not have a prototype. */
function withoutPrototypes(decoder: Decoder): Decoder {
  const { stack } = decoder as unknown as DecoderInside;
  const push = stack.pushMapState.bind(stack);
  stack.pushMapState = (size) => {
    push(size);
    stack.top().map = Object.create(null) as object;
  };
  return decoder;
}

/** Most values are small, and a piece of memory for each costs more than all else. */
const slab = new Slab();

/**
 * msgpack with rules: what cannot arrive as it was sent is refused on encode, what was not asked
 * for is refused on decode before memory is spent ({@link prescan}). Maps arrive without a
 * prototype, dates as Date, bytes as Uint8Array that never alias the network buffer. `undefined`
 * in an array arrives as `null`; a property that is `undefined` is left out; -0 arrives as 0.
 */
export class Codec {
  readonly #limits: CodecLimits;
  readonly #encoder: Encoder;
  readonly #decoder: Decoder;
  readonly #isQuick: boolean;

  /** @param limits depth 64, 100 000 values, no bigint unless said otherwise */
  constructor(limits: Partial<CodecLimits> = {}) {
    this.#limits = { ...DEFAULTS, ...limits };
    this.#isQuick = this.#limits.depthMax > 1 && this.#limits.itemsMax > QUICK_ITEMS_MAX;
    const extensionCodec = new StrictExtensions();
    const useBigInt64 = this.#limits.bigint;
    const maxDepth = this.#limits.depthMax;
    const encoder = new Encoder({ extensionCodec, useBigInt64, maxDepth, ignoreUndefined: true });
    const decoder = withoutPrototypes(new Decoder({ extensionCodec, useBigInt64 }));
    this.#encoder = useBigInt64 ? withWholeIntegers(encoder) : encoder;
    this.#decoder = useBigInt64 ? withSafeNumbers(decoder) : decoder;
  }

  /**
   * @returns bytes of their own, safe to keep and to send; up to 1 KiB they share a piece of 4 KiB with others
   * @throws LinkError ERR_LINK_ENCODE naming what cannot travel
   */
  encode(value: unknown): Uint8Array {
    return value instanceof Uint8Array ? writeBinary(value) : slab.keep(this.encodeShared(value));
  }

  /**
   * As {@link encode} without the copy: the bytes are overwritten by the next call, so copy or
   * use them before.
   */
  encodeShared(value: unknown): Uint8Array {
    try {
      return this.#encoder.encodeSharedRef(value);
    } catch (error) {
      throw refusal(error);
    }
  }

  /**
   * @param bytes exactly one value, from `start` up to `end`; with `trailing` whatever after it
   * @throws LinkError ERR_LINK_PROTOCOL naming the rule that was broken
   */
  decode(bytes: Uint8Array, start = 0, end = bytes.length): unknown {
    return this.#decode(bytes, start, end, false);
  }

  /**
   * As {@link decode}, where `bytes` are nobody else's: binary values inside are parts of them, and
   * keep them in memory.
   */
  decodeOwned(bytes: Uint8Array, start = 0, end = bytes.length): unknown {
    return this.#decode(bytes, start, end, true);
  }

  #decode(bytes: Uint8Array, start: number, end: number, isOwned: boolean): unknown {
    if (this.#isQuick) {
      const binary = readBinary(bytes, start, end);
      if (binary !== undefined) return isOwned ? binary : slab.keep(binary);
      const quick = readQuick(bytes, start, end);
      if (quick !== NOT_QUICK) return quick;
    }
    const scan = prescan(bytes, this.#limits, start, end);
    const { binary } = scan;
    try {
      // A decoded bin is a view: give it a copy of the message to live in, unless that is its own.
      const view = new Uint8Array(bytes.buffer, bytes.byteOffset + start, scan.end - start);
      return this.#decoder.decode(binary && !isOwned ? view.slice() : view);
    } catch (cause) {
      throw new LinkError("ERR_LINK_PROTOCOL", `message refused: ${String(cause)}`, { cause });
    }
  }

  /**
   * Where the value ends that begins at `start`.
   * @throws LinkError ERR_LINK_PROTOCOL naming the rule that was broken
   */
  endOf(bytes: Uint8Array, start = 0): number {
    return prescan(bytes, { ...this.#limits, trailing: true }, start).end;
  }
}

function refusal(error: unknown): LinkError {
  if (error instanceof LinkError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new LinkError("ERR_LINK_ENCODE", `cannot send this value: ${why}`, { cause: error });
}

const standard = new Codec();

/** {@link Codec.encode} with the default limits. */
export const encode = (value: unknown): Uint8Array => standard.encode(value);

/** {@link Codec.encodeShared} with the default limits. */
export const encodeShared = (value: unknown): Uint8Array => standard.encodeShared(value);

/** {@link Codec.decode} with the default limits. */
export const decode = (bytes: Uint8Array, start = 0, end = bytes.length): unknown =>
  standard.decode(bytes, start, end);

/** {@link Codec.decodeOwned} with the default limits. */
export const decodeOwned = (bytes: Uint8Array, start = 0, end = bytes.length): unknown =>
  standard.decodeOwned(bytes, start, end);
