import { expect, test } from "vitest";
import { packSkeleton, readSkeleton, type Skeleton } from "./skeleton.ts";

const SKELETON: Skeleton = {
  startedAtMs: 1_795_000_000_000.25,
  operations: [{ service: "shop", node: "shop-1", name: "päy", kind: 2 }],
  failures: [{ at: 1, message: "no card", isForeign: true }],
  logs: 3,
  isCut: false,
  ids: Uint8Array.from({ length: 16 }, (_, i) => i),
  startMs: Float64Array.of(0, 0.000_001),
  endMs: Float64Array.of(5, 1e9),
  awaitMs: Float64Array.of(Number.NaN, 4),
  parents: Int32Array.of(-1, 0),
  operation: Uint32Array.of(0, 0),
};

test("a skeleton comes out as it was put in", () => {
  expect(readSkeleton(packSkeleton(SKELETON).buffer)).toEqual(SKELETON);
});

test("anything else is refused in words", () => {
  const packed = packSkeleton(SKELETON);
  for (const bytes of [new Uint8Array(0), new Uint8Array(40).fill(255)])
    expect(() => readSkeleton(bytes.buffer)).toThrow("not the skeleton of a trace");
  expect(() => readSkeleton(packed.slice(0, -1).buffer)).toThrow("another version");
});
