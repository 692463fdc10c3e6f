import { decode, encode } from "@zeroplane/link";

const ROUNDS = 200;

const array32 = (count: number): Buffer => {
  const bytes = Buffer.alloc(5, 0xdd);
  bytes.writeUInt32BE(count, 1);
  return bytes;
};

/** Few bytes that would become gigabytes, or an endless descent, when they were decoded. */
const BOMBS: Readonly<Record<string, Buffer>> = {
  "5 bytes, 30 million items": array32(30_000_000),
  "50 bytes, nested": Buffer.concat(Array.from({ length: 10 }, () => array32(100_000_000))),
  "20 KB, nested": Buffer.concat(Array.from({ length: 4_000 }, () => array32(10_000))),
  "5 MB, deep": Buffer.alloc(5_000_000, 0x91),
};

/** Median microseconds until a bomb is refused, and until an honest message of 110 bytes is read. */
export function measureBombs(): Readonly<Record<string, number>> {
  const honest = encode({ method: "quote", args: ["ZP", 42], at: "x".repeat(80) });
  const times = Object.entries(BOMBS).map(([name, bytes]) => [name, medianUs(bytes)] as const);
  return Object.fromEntries([...times, ["an honest message", medianUs(Buffer.from(honest))]]);
}

function medianUs(bytes: Buffer): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const startMs = performance.now();
    try {
      decode(bytes);
    } catch {
      // Refused, as it should be.
    }
    return (performance.now() - startMs) * 1_000;
  });
  return Math.round((times.toSorted((a, b) => a - b)[ROUNDS / 2] ?? 0) * 10) / 10;
}
