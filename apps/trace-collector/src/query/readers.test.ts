import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Partitions } from "../store/partitions.ts";
import { decodedSpan, emptyFolder, idOf } from "../testing.ts";
import { Readers } from "./readers.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = Date.parse("2026-11-23T14:30:00Z");
const idBytes = (trace: number): Buffer => Buffer.from(idOf(trace, 16), "hex");

const holding = (readers: Readers, trace: number): string[] =>
  [...readers.holding(idBytes(trace))].map(({ name }) => name);

test("a trace is looked for where it is, also in files that came or went since the last question", async () => {
  const data = emptyFolder();
  using partitions = new Partitions({ data, retention: { ms: 50 * HOUR_MS, bytes: 1e9 } });
  for (let hour = 1; hour <= 20; hour++)
    partitions.add([decodedSpan(hour, 1, NOW_MS - hour * HOUR_MS)], []);
  partitions.add([decodedSpan(5, 2, NOW_MS - 9 * HOUR_MS)], []);
  using readers = new Readers(data);
  // Once the folder has been still for a while, its names are not read again.
  await sleep(1_100);
  for (let round = 0; round < 2; round++) {
    expect(holding(readers, 20)).toEqual(["2026-11-22T18.db"]);
    expect(holding(readers, 5)).toEqual(["2026-11-23T09.db", "2026-11-23T05.db"]);
    expect(holding(readers, 21)).toEqual([]);
  }
  partitions.add([decodedSpan(21, 1, NOW_MS)], []);
  expect(holding(readers, 21)).toEqual(["2026-11-23T14.db"]);
  partitions.trim(NOW_MS + 35 * HOUR_MS);
  expect(holding(readers, 20)).toEqual([]);
  expect(holding(readers, 21)).toEqual(["2026-11-23T14.db"]);
});
