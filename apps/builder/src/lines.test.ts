import { expect, test } from "vitest";
import { LineSplitter, MAX_LINE_BYTES } from "./lines.ts";

test("lines cut over several chunks come out whole, the last one at the end", () => {
  const splitter = new LineSplitter();
  expect(splitter.push(Buffer.from("one\r\ntw"))).toEqual(["one"]);
  expect(splitter.push(Buffer.from("o\n\nthree"))).toEqual(["two", ""]);
  expect(splitter.end()).toEqual(["three"]);
});

test("a line without an end comes in pieces of at most 16 KiB, with no character cut in two", () => {
  const splitter = new LineSplitter();
  const text = `a${"é".repeat(20_000)}`;
  const bytes = Buffer.from(text);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 1_001) {
    lines.push(...splitter.push(bytes.subarray(at, at + 1_001)));
  }
  lines.push(...splitter.end());
  expect(lines.join("")).toBe(text);
  expect(lines.every((line) => Buffer.byteLength(line) <= MAX_LINE_BYTES)).toBe(true);
});
