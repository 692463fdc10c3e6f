import { describe, expect, test } from "vitest";
import { decodeLogs, decodeTraces } from "./otlp-protobuf.ts";
import { BYTES, ProtobufReader, VARINT } from "./protobuf.ts";

const varint = (value: bigint): number[] =>
  value < 0x80n ? [Number(value)] : [Number(value & 0x7fn) | 0x80, ...varint(value >> 7n)];

const bytesField = (number: number, bytes: Iterable<number>): number[] => {
  const all = [...bytes];
  return [...varint(BigInt((number << 3) | BYTES)), ...varint(BigInt(all.length)), ...all];
};
const numberField = (number: number, value: bigint): number[] => [
  ...varint(BigInt(number << 3)),
  ...varint(value),
];
const fixedField = (number: number, value: bigint): number[] => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return [(number << 3) | 1, ...bytes];
};
const keyValue = (key: string, value: number[]): number[] => [
  ...bytesField(1, Buffer.from(key)),
  ...bytesField(2, value),
];

const START_NS = 1_764_000_000_123_456_789n;
const IDS = [...bytesField(1, Buffer.alloc(16, 7)), ...bytesField(2, Buffer.alloc(8, 9))];

/** A request with one span of these fields. */
const request = (fields: number[]): Buffer =>
  Buffer.from(bytesField(1, bytesField(2, bytesField(2, fields))));

/** The attributes of a span with one, whose `AnyValue` is these bytes. */
const attribute = (value: number[]): unknown =>
  decodeTraces(request([...IDS, ...bytesField(9, keyValue("a", value))])).spans[0]?.attributes["a"];

const reader = (...bytes: number[]): ProtobufReader => new ProtobufReader(Buffer.from(bytes));

describe("the reader refuses", () => {
  test.each([
    ["a number that is cut off", [0x08, 0x80]],
    ["a number of eleven bytes", [0x08, ...Array.from({ length: 10 }, () => 0xff), 1]],
    ["a length beyond the end", [0x0a, 3, 1, 2]],
    ["a length that does not fit 32 bits", [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 1]],
    ["eight bytes of which some lack", [0x09, 1, 2, 3]],
    ["four bytes of which some lack", [0x0d, 1, 2, 3]],
    ["a group", [0x0b]],
    ["a field with too large a number", [...varint(1n << 35n), 0]],
  ])("%s", (_what, bytes) => {
    const from = reader(...bytes);
    const readAll = (): void => {
      while (from.next()) from.skip();
    };
    expect(readAll).toThrow(expect.objectContaining({ code: "ERR_OTLP" }));
  });

  test("a field that ends in what comes after its message", () => {
    // The inner message has two bytes; its field claims three, which are there, but not its own.
    expect(() => decodeTraces(Buffer.from([0x0a, 2, 0x0a, 3, 0, 0, 0]))).toThrow("longer than");
    expect(() => decodeTraces(Buffer.from([0x0a, 1, 0x08, 1]))).toThrow("ends within a number");
  });

  test("what is nested too deep", () => {
    const nested = (depth: number): number[] =>
      depth === 0 ? [] : bytesField(5, bytesField(1, nested(depth - 1)));
    expect(attribute(nested(16))).toBeDefined();
    expect(() => attribute(nested(17))).toThrow("nested deeper than 16");
  });
});

test("numbers of 64 bits are exact, as two words", () => {
  const from = reader(...numberField(1, 0xfedc_ba98_7654_3210n), ...numberField(2, 1n << 32n));
  expect([from.next(), from.number, from.wire]).toEqual([true, 1, VARINT]);
  from.varint();
  expect(from.exact).toBe(0xfedc_ba98_7654_3210n);
  from.next();
  expect(from.varint()).toBe(2 ** 32);
  expect(from.next()).toBe(false);
});

test("times are exact to the nanosecond, and a span that ends before it began takes no time", () => {
  const times = (start: bigint, end: bigint): unknown =>
    decodeTraces(request([...IDS, ...fixedField(7, start), ...fixedField(8, end)])).spans[0];
  expect(times(START_NS, START_NS + 1_001n)).toMatchObject({
    startUs: 1_764_000_000_123_456,
    startSub: 789,
    durationNs: 1_001,
  });
  expect(times(START_NS, START_NS - 1n)).toMatchObject({ durationNs: 0 });
  expect(times(0n, (1n << 64n) - 1n)).toMatchObject({ durationNs: Number.MAX_SAFE_INTEGER });
});

test.each([
  ["text", bytesField(1, Buffer.from("plain")), "plain"],
  ["text that JSON escapes", bytesField(1, Buffer.from('a"b\\c\n\u0001')), 'a"b\\c\n\u0001'],
  ["text of other letters", bytesField(1, Buffer.from("grüße, 世界 🚀")), "grüße, 世界 🚀"],
  ["bytes that are no text", bytesField(1, [0x61, 0xc3, 0x28]), "a\ufffd("],
  ["true", numberField(2, 1n), true],
  ["false", numberField(2, 0n), false],
  ["an integer", numberField(3, 4_294_967_296n), 4_294_967_296],
  ["a negative one", numberField(3, BigInt.asUintN(64, -5n)), -5],
  ["one too large for a double", numberField(3, (1n << 62n) + 1n), "4611686018427387905"],
  ["a double", [0x21, ...Buffer.from(new Float64Array([-1.5e300]).buffer)], -1.5e300],
  ["no number", [0x21, ...Buffer.from(new Float64Array([Number.NaN]).buffer)], null],
  [
    "a list",
    bytesField(
      5,
      [1, 2].flatMap((n) => bytesField(1, numberField(3, BigInt(n)))),
    ),
    [1, 2],
  ],
  ["an empty list", bytesField(5, []), []],
  ["a map", bytesField(6, bytesField(1, keyValue("k", numberField(3, 7n)))), { k: 7 }],
  ["an empty map", bytesField(6, []), {}],
  ["bytes", bytesField(7, [1, 2, 3]), "AQID"],
  ["nothing", [], null],
  ["a text with the wire type of a number", numberField(1, 7n), null],
])("an attribute that is %s", (_what, value, expected) => {
  expect(attribute(value)).toEqual(expected);
});

test("fields with another wire type than theirs are passed over", () => {
  const fields = [...IDS, ...numberField(5, 1n), ...bytesField(7, [1, 2]), ...numberField(9, 3n)];
  expect(decodeTraces(request(fields)).spans[0]).toMatchObject({ name: "", startUs: 0 });
});

test("attributes may stand between other fields, their parts in any order, and the last of a name counts", () => {
  const turned = [...bytesField(2, numberField(3, 1n)), ...bytesField(1, Buffer.from("first"))];
  const fields = [
    ...bytesField(9, turned),
    ...bytesField(11, [...bytesField(2, Buffer.from("e")), ...bytesField(3, keyValue("in", []))]),
    ...IDS,
    ...bytesField(9, keyValue("twice", numberField(3, 1n))),
    ...bytesField(9, keyValue("twice", numberField(3, 2n))),
    ...numberField(6, 99n),
  ];
  const [span] = decodeTraces(request(fields)).spans;
  expect(span?.attributes).toEqual({ first: 1, twice: 2 });
  expect(span?.events).toEqual([{ name: "e", atNs: "0", attributes: { in: null } }]);
  expect(span?.kind).toBe(0);
});

test("a span that is left out leaves nothing in the attributes of the next", () => {
  const left = bytesField(2, bytesField(9, keyValue("left", [])));
  const kept = bytesField(2, [...IDS, ...bytesField(9, keyValue("kept", []))]);
  const { spans, refused } = decodeTraces(
    Buffer.from(bytesField(1, bytesField(2, [...left, ...kept]))),
  );
  expect(refused).toEqual({ ids: 1 });
  expect(spans.map(({ attributes }) => attributes)).toEqual([{ kept: null }]);
});

test("of a log record the time counts, and when it was seen only without it", () => {
  const log = (fields: number[]): unknown =>
    decodeLogs(request([...bytesField(9, Buffer.alloc(16, 1)), ...fields])).logs[0];
  expect(log([...fixedField(1, 5n), ...fixedField(11, 6n), ...numberField(2, 9n)])).toMatchObject({
    atNs: 5n,
    severity: 9,
  });
  expect(log(fixedField(11, 6n))).toMatchObject({ atNs: 6n });
});
