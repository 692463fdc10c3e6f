import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "@zeroplane/link";
import { expect, test } from "vitest";
import { openState } from "./state.ts";
import { viewState } from "./view.ts";

test("a view has the snapshot, then every change, in order", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using state = openState<number>("numbers", listener);
  state.set("a", 1);
  state.set("b", 2);
  await using view = viewState<number>(listener.endpoint, "numbers");
  await view.ready(3_000);
  expect(view.entries()).toEqual([
    ["a", 1],
    ["b", 2],
  ]);
  state.update(() => {
    state.set("c", 3);
    state.delete("a");
  });
  await expect.poll(() => view.version).toBe(state.version);
  expect(view.entries()).toEqual([
    ["b", 2],
    ["c", 3],
  ]);
});

test("a view under a prefix sees only that, and still counts as having seen the rest", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using state = openState<string>("routes", listener);
  await using view = viewState<string>(listener.endpoint, "routes", { under: "web/" });
  await view.ready(3_000);
  state.set("web/a", "1");
  const version = state.set("api/b", "2");
  await state.seen(version, { timeoutMs: 3_000 });
  expect(view.entries()).toEqual([["web/a", "1"]]);
});

test("the owner knows when a version was applied, and by whom it was not", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using state = openState<number>("applied", listener);
  const gate = Promise.withResolvers<void>();
  const applied: number[] = [];
  await using view = viewState<number>(listener.endpoint, "applied", {
    node: "router-1",
    apply: async (current) => {
      if (current.get("k") === 2) await gate.promise;
      applied.push(current.get("k") ?? 0);
    },
  });
  await view.ready(3_000);
  await state.seen(state.set("k", 1), { timeoutMs: 3_000 });
  const version = state.set("k", 2);
  await expect(state.seen(version, { timeoutMs: 100 })).rejects.toThrow(/not seen .* by router-1/);
  gate.resolve();
  expect(await state.seen(version, { timeoutMs: 3_000 })).toMatchObject([
    { node: "router-1", version },
  ]);
  expect(applied.at(-1)).toBe(2);
});

test("a value is set only at the version that was expected", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using state = openState<number>("cas", listener);
  const version = state.set("k", 1, { if: 0 });
  expect(() => state.set("k", 2, { if: 0 })).toThrow(/at version 1, not 0/);
  state.set("k", 2, { if: version });
  expect(state.get("k")).toBe(2);
});

test("a view follows its owner through a restart", async () => {
  const first = await listen("tcp://127.0.0.1:*");
  const before = openState<number>("again", first);
  before.set("k", 1);
  await using view = viewState<number>(first.endpoint, "again");
  await view.ready(3_000);
  await first.close();
  await expect.poll(() => view.fresh).toBe(false);
  expect(view.get("k")).toBe(1);
  await using second = await listen(first.endpoint);
  await sleep(100);
  await using after = openState<number>("again", second);
  after.set("k", 5);
  await expect.poll(() => view.get("k"), { timeout: 5_000 }).toBe(5);
  expect(view.fresh).toBe(true);
});

test("a key with a time to live goes when it is not set again, for the views as well", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using state = openState<number>("ttl", listener);
  state.set("gone", 1, { ttlMs: 50 });
  state.set("stays", 2);
  await using view = viewState<number>(listener.endpoint, "ttl");
  await view.ready(3_000);
  await expect.poll(() => view.entries(), { timeout: 5_000 }).toEqual([["stays", 2]]);
  expect(state.get("gone")).toBeUndefined();
});

test("a snapshot of many keys comes in pieces and is seen as a whole", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using state = openState<number>("many", listener);
  state.update(() => {
    for (let i = 0; i < 60_000; i++) state.set(`k${i}`, i);
  });
  const sizes: number[] = [];
  await using view = viewState<number>(listener.endpoint, "many", {
    apply: (seen) => void sizes.push(seen.entries().length),
  });
  await view.ready(10_000);
  expect(view.get("k59999")).toBe(59_999);
  await state.seen(state.version);
  expect(sizes).toEqual([60_000]);
});

test("compare-and-set takes the version that was read", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using state = openState<string>("cas", listener);
  state.set("k", "a", { if: 0 });
  const read = state.at("k");
  expect(read?.value).toBe("a");
  state.set("k", "b", { if: read?.version ?? -1 });
  expect(() => state.set("k", "c", { if: read?.version ?? -1 })).toThrow(
    expect.objectContaining({ code: "ERR_CONFLICT" }),
  );
});
