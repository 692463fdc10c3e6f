import { encode as msgpackEncode } from "@msgpack/msgpack";
import { describe, expect, test } from "vitest";
import { Codec, decode, decodeOwned, encode } from "./codec.ts";

const array32 = (count: number): Buffer =>
  Buffer.from([0xdd, ...new Uint8Array(Uint32Array.of(count).buffer).reverse()]);

describe("the codec", () => {
  test("gives back what travels", () => {
    const value = {
      text: "héllo",
      list: [1, -1, 1.5, 2 ** 40, -(2 ** 40), null, true],
      at: new Date(5),
    };
    expect(decode(encode(value))).toEqual({ ...value });
  });

  test("leaves out undefined properties and sends undefined items as null", () => {
    expect(decode(encode({ a: undefined, b: [undefined] }))).toEqual({ b: [null] });
  });

  test("decodes maps without a prototype", () => {
    const map = decode(encode({ constructor: 1, nested: { toString: 2 } })) as Record<
      string,
      object
    >;
    expect(Object.getPrototypeOf(map)).toBe(null);
    expect(Object.getPrototypeOf(map["nested"] ?? {})).toBe(null);
  });

  test("copies bytes out of the network buffer", () => {
    const wire = Buffer.from(encode({ data: Uint8Array.of(1, 2, 3) }));
    const { data } = decode(wire) as { data: Uint8Array };
    wire.fill(0xff);
    expect([...data]).toEqual([1, 2, 3]);
  });

  test("leaves bytes where they are when they are nobody else's", () => {
    const wire = Buffer.from(encode({ data: Uint8Array.of(1, 2, 3) }));
    const { data } = decodeOwned(wire) as { data: Uint8Array };
    expect([...data]).toEqual([1, 2, 3]);
    expect(data.buffer).toBe(wire.buffer);
  });

  test.each([
    ["a Map", new Map()],
    ["a Set", new Set()],
    ["an Error", new Error("x")],
    ["a Promise", Promise.resolve()],
    ["a RegExp", /x/],
    ["typed array", new Float64Array(1)],
    ["Function", () => 1],
    ["symbol", Symbol("s")],
    ["bigint", 1n],
  ])("refuses to encode %s, also inside", (name, value) => {
    expect(() => encode({ inside: [value] })).toThrow(new RegExp(name, "i"));
  });

  test.each([
    ["claims 30 million items", array32(30_000_000)],
    [
      "nests arrays that each claim much",
      Buffer.concat(Array.from({ length: 4_000 }, () => array32(10_000))),
    ],
    ["nests too deep", Buffer.alloc(1_000_000, 0x91)],
    ["has bytes after it", Buffer.from([1, 2])],
    ["ends early", Buffer.from([0xa5, 0x61])],
    ["ends within a length", Buffer.from([0xc6, 0, 0])],
    ["has a foreign extension", Buffer.from([0xd4, 5, 0])],
    ["is empty", Buffer.alloc(0)],
    ["is no msgpack", Buffer.from([0xc1])],
    ["has an integer beyond 2^53", Buffer.from([0xcf, 0xff, 0, 0, 0, 0, 0, 0, 1])],
  ])("refuses a message that %s", (_name, bytes) => {
    expect(() => decode(bytes)).toThrow(/message refused/);
  });

  test("takes big integers when asked", () => {
    const codec = new Codec({ bigint: true });
    expect(codec.decode(codec.encode(2n ** 63n))).toBe(2n ** 63n);
    expect(() => codec.encode(2n ** 64n)).toThrow(/64 bits/);
  });

  test("keeps as a number what a number can hold, also when big integers are taken", () => {
    const codec = new Codec({ bigint: true });
    const values = [1, 2 ** 32, Number.MAX_SAFE_INTEGER, -(2 ** 31) - 1, -1.5];
    const bytes = codec.encode(values);
    expect(codec.decode(bytes)).toEqual(values);
    expect(decode(bytes)).toEqual(values);
    expect(bytes[2]).toBe(0xcf);
  });

  test("ignores what comes after the value when asked, and tells where that is", () => {
    const codec = new Codec({ trailing: true });
    const bytes = Buffer.concat([encode([1, "two", Buffer.of(3)]), Buffer.of(0xc1, 1, 2)]);
    expect(codec.decode(bytes)).toEqual([1, "two", new Uint8Array([3])]);
    expect(codec.endOf(bytes)).toBe(bytes.length - 3);
    expect(() => new Codec().decode(bytes)).toThrow(/after the value/);
  });

  test("accepts each msgpack form within its bounds", () => {
    const value = {
      s: "x".repeat(70_000),
      b: Buffer.alloc(300),
      l: Array.from({ length: 70_000 }, () => 1),
    };
    const back = decode(encode(value)) as typeof value;
    expect(back.s.length).toBe(70_000);
    expect(back.b.length).toBe(300);
    expect(back.l.length).toBe(70_000);
  });
});

describe("bytes alone", () => {
  const LENGTHS = [0, 1, 255, 256, 0xffff, 0x10000, 70_000];

  test.for(LENGTHS)("%i of them are as @msgpack/msgpack writes them", (length) => {
    const value = new Uint8Array(length).fill(7);
    const bytes = encode(value);
    expect(Buffer.compare(bytes, msgpackEncode(value))).toBe(0);
    const beside = Buffer.concat([Buffer.of(1), bytes, Buffer.of(2)]);
    expect(decode(beside, 1, beside.length - 1)).toEqual(value);
  });

  test("are their own, and are refused when they are cut or followed by something", () => {
    const bytes = encode(Uint8Array.of(1, 2, 3));
    const value = decode(bytes) as Uint8Array;
    bytes[2] = 9;
    expect(value).toEqual(Uint8Array.of(1, 2, 3));
    expect(() => decode(bytes.subarray(0, 4))).toThrow(/message refused|cut|end/);
    expect(() => decode(Buffer.concat([bytes, Buffer.of(0)]))).toThrow();
    expect(() => decode(Buffer.of(0xc5, 0))).toThrow();
  });
});
