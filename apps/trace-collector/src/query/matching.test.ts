import { expect, test } from "vitest";
import { Partitions } from "../store/partitions.ts";
import { decodedSpan, emptyFolder } from "../testing.ts";
import { Readers } from "./readers.ts";
import { search } from "./search.ts";

const NOW_MS = Date.parse("2026-11-23T14:30:00Z");
const ATTRIBUTES = { text: 'a "b"\n\\ ü 🦊', n: 1.5, big: 1e21, yes: true, list: [1, "x"] };
const RESOURCE = { "service.name": "shop", zone: "eu" };

test.each([
  ["text", 'a "b"\n\\ ü 🦊', 1],
  ["n", "1.5", 1],
  ["big", "1e+21", 1],
  ["yes", "true", 1],
  ["list", '[1,"x"]', 1],
  ["n", "1", 0],
  ["tex", 'a "b"', 0],
  ["zone", "eu", 2],
  ["zone", "us", 1],
] as const)("spans with %s = %s, of their own or of their process, are %i", (key, value, count) => {
  const data = emptyFolder();
  using partitions = new Partitions({ data, retention: { ms: 1e9, bytes: 1e9 } });
  partitions.add(
    [
      decodedSpan(1, 1, NOW_MS, { attributes: ATTRIBUTES, resource: RESOURCE }),
      decodedSpan(1, 2, NOW_MS, { attributes: { other: 1 }, resource: RESOURCE }),
      // What is its own counts.
      decodedSpan(1, 3, NOW_MS, { attributes: { zone: "us" }, resource: RESOURCE }),
    ],
    [],
  );
  using readers = new Readers(data);
  expect(search(readers, { of: "spans", attributes: [[key, value]] }).totals?.spans).toBe(count);
});
