import { expect, test } from "vitest";
import { CollectorCore } from "./collector-core.ts";
import { PipeCore } from "./pipe-core.ts";

test("a message that can have no room takes none from others", () => {
  const core = new PipeCore(100);
  core.push({ kind: "k", body: Buffer.alloc(60), rank: 0 });
  core.push({ kind: "k", body: Buffer.alloc(101), rank: 2 });
  expect(core).toMatchObject({ waiting: 1, waitingBytes: 60, dropped: [0, 0, 1, 0] });
});

test("what comes late is not counted as lost any more", () => {
  const core = new CollectorCore();
  const head = { node: "n", boot: 1, dropped: 0, kind: "k" };
  expect([3, 6, 5, 1, 3].map((seq) => core.received({ ...head, seq }))).toEqual([0, 2, 0, 0, 0]);
  expect(core.stats()).toEqual([
    { node: "n", received: 4, lost: 1, dropped: 0, before: 1, repeated: 1 },
  ]);
});
