import { Decoder, Encoder, ExtensionCodec } from "@msgpack/msgpack";
import { LinkError } from "./errors.ts";
import { type CodecLimits, prescan } from "./prescan.ts";

const DEFAULTS: CodecLimits = { depthMax: 64, itemsMax: 100_000, bigint: false };

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

  /** @param limits depth 64, 100 000 values, no bigint unless said otherwise */
  constructor(limits: Partial<CodecLimits> = {}) {
    this.#limits = { ...DEFAULTS, ...limits };
    const extensionCodec = new StrictExtensions();
    const useBigInt64 = this.#limits.bigint;
    const maxDepth = this.#limits.depthMax;
    this.#encoder = new Encoder({ extensionCodec, useBigInt64, maxDepth, ignoreUndefined: true });
    this.#decoder = withoutPrototypes(new Decoder({ extensionCodec, useBigInt64 }));
  }

  /**
   * @returns bytes of their own, safe to keep and to send
   * @throws LinkError ERR_LINK_ENCODE naming what cannot travel
   */
  encode(value: unknown): Uint8Array {
    return this.encodeShared(value).slice();
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
   * @param bytes exactly one value, from `start` up to `end`
   * @throws LinkError ERR_LINK_PROTOCOL naming the rule that was broken
   */
  decode(bytes: Uint8Array, start = 0, end = bytes.length): unknown {
    const head = bytes[start];
    // Most answers are one small value: those need no decoder.
    if (end - start === 1 && head !== undefined) {
      if (head < 0x80) return head;
      if (head === 0xc0) return null;
      if (head === 0xc2 || head === 0xc3) return head === 0xc3;
    }
    const { binary } = prescan(bytes, this.#limits, start, end);
    try {
      // A decoded bin is a view: give it a copy of the message to live in.
      const view = bytes.subarray(start, end);
      return this.#decoder.decode(binary ? new Uint8Array(view) : view);
    } catch (cause) {
      throw new LinkError("ERR_LINK_PROTOCOL", `message refused: ${String(cause)}`, { cause });
    }
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
