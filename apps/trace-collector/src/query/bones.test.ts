import { expect, test } from "vitest";
import { OpenTable } from "../store/open-table.ts";
import { emptyFolder, idOf } from "../testing.ts";
import { Bones } from "./bones.ts";
import { OpenReader } from "./open.ts";

const NOW = Date.now();

test("spans that have not ended are among the bones of their trace", () => {
  const data = emptyFolder();
  using table = new OpenTable(data, () => false);
  using reader = new OpenReader(data);
  const id = (n: number, bytes: number): Buffer => Buffer.from(idOf(n, bytes), "hex");
  const span = { traceId: id(7, 16), name: "work", kind: 2 };
  table.report(
    {
      resource: { "service.name": "shop", "service.instance.id": "shop-1" },
      boot: "b1",
      state: "alive",
      atMs: NOW,
      everyMs: 5_000,
      open: 2,
      spans: [
        { ...span, spanId: id(1, 8), parentId: undefined, startMs: NOW - 10_000 },
        { ...span, spanId: id(2, 8), parentId: id(1, 8), startMs: NOW - 4_000 },
      ],
    },
    NOW,
  );
  const bones = new Bones();
  bones.addUnfinished(reader.spansOf(id(7, 16)));
  const of = (n: number): number => bones.ids.findIndex((each) => each.equals(id(n, 8)));
  expect(bones.ids).toHaveLength(2);
  expect(bones.parentIds[of(2)]).toEqual(id(1, 8));
  expect(bones.parentIds[of(1)]).toEqual(Buffer.alloc(8));
  expect((bones.startNs[of(2)] ?? 0) - (bones.startNs[of(1)] ?? 0)).toBeCloseTo(6e9, -6);
  expect(bones.operations).toEqual([{ service: "shop", node: "shop-1", name: "work", kind: 2 }]);
  expect(bones.durationNs.every((ns) => ns > 0)).toBe(true);
});
