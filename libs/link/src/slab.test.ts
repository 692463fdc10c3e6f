import { expect, test } from "vitest";
import { Slab } from "./slab.ts";

test("what is kept is a copy that later ones leave alone, whatever their lengths", () => {
  const slab = new Slab();
  const source = Buffer.alloc(5_000);
  const kept: [Uint8Array, number, number][] = [];
  for (let i = 1; i < 400; i++) {
    const length = (i * 37) % 1_500;
    source.fill(i & 0xff);
    kept.push([slab.keep(source.subarray(0, length)), length, i & 0xff]);
  }
  source.fill(0);
  for (const [bytes, length, value] of kept) {
    expect(bytes.length).toBe(length);
    expect(bytes.every((byte) => byte === value)).toBe(true);
  }
});

test("few kept bytes hold little memory", () => {
  const slab = new Slab();
  const kept = Array.from({ length: 100 }, () => slab.keep(new Uint8Array(200)));
  expect(kept.every(({ buffer }) => buffer.byteLength <= 4_096)).toBe(true);
  expect(new Set(kept.map(({ buffer }) => buffer)).size).toBeLessThan(10);
});
