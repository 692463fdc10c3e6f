import { expect, test } from "vitest";
import { TRACEPARENT_BYTES, Traceparent } from "./traceparent.ts";

const TEXT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

test("a traceparent is read from text and bytes, and written to both", () => {
  const place = Traceparent.parse(TEXT) as Traceparent;
  expect([String(place), place.isSampled]).toEqual([TEXT, true]);
  expect([place.traceId, place.spanId]).toEqual([TEXT.slice(3, 35), TEXT.slice(36, 52)]);
  const bytes = Buffer.alloc(TRACEPARENT_BYTES + 2, 0xee);
  place.write(bytes, 1);
  expect(bytes.toString("hex")).toBe(`ee${TEXT.slice(3).replaceAll("-", "")}ee`);
  expect(Traceparent.read(bytes, 1)).toEqual(place);
});

test.each([
  undefined,
  "",
  TEXT.toUpperCase(),
  `01${TEXT.slice(2)}`,
  `${TEXT}-more`,
  TEXT.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0".repeat(32)),
  TEXT.replace("00f067aa0ba902b7", "0".repeat(16)),
])("%s is none", (text) => {
  expect(Traceparent.parse(text)).toBe(undefined);
});
