import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dial, listen } from "@zeroplane/link";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openState } from "./state.ts";
import { viewState } from "./view.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "zp-state-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a viewer sets what it may, at the version it knows", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  const writable = ({ key }: { key: string }): boolean => key.startsWith("open/");
  await using state = openState<number>("put", listener, { writable });
  await using view = viewState<number>(listener.endpoint, "put");
  const version = await view.set("open/k", 1, { if: 0 });
  await expect(view.set("open/k", 2, { if: 0 })).rejects.toMatchObject({ code: "ERR_CONFLICT" });
  await expect(view.set("shut/k", 2)).rejects.toMatchObject({ code: "ERR_REFUSED" });
  expect(state.at("open/k")).toMatchObject({ value: 1, version });
  await view.delete("open/k", { if: version });
  expect(state.entries()).toEqual([]);
});

test("an ephemeral key goes with the session of its setter", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using state = openState<string>("here", listener, { writable: () => true });
  const session = dial(listener.endpoint);
  const view = viewState<string>(session, "here");
  await view.set("one", "ephemeral", { ephemeral: true });
  await view.set("two", "stays");
  expect(state.entries()).toHaveLength(2);
  await view.close();
  await session.close();
  await expect.poll(() => state.entries(), { timeout: 5_000 }).toEqual([["two", "stays"]]);
});

test("changes come as an iterable, of the wanted subtree alone", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using state = openState<number>("changes", listener);
  state.set("a/1", 1);
  state.set("b/1", 1);
  const view = viewState<number>(listener.endpoint, "changes");
  await view.ready(3_000);
  expect(view.entries("a/")).toEqual([["a/1", 1]]);
  const seen: [string, number | undefined][] = [];
  const reading = (async () => {
    for await (const { key, value } of view.changes("a/")) seen.push([key, value]);
  })();
  await expect.poll(() => seen).toEqual([["a/1", 1]]);
  state.set("b/1", 2);
  state.set("a/2", 2);
  state.delete("a/1");
  const all = [
    ["a/1", 1],
    ["a/2", 2],
    ["a/1", undefined],
  ];
  await expect.poll(() => seen, { timeout: 5_000 }).toEqual(all);
  await view.close();
  await reading;
});

test("a view shows its last known copy when the owner is away", async () => {
  const file = join(folder, "deep", "copy");
  const listener = await listen("tcp://127.0.0.1:*");
  const state = openState<number>("copy", listener);
  state.set("k", 7);
  const first = viewState<number>(listener.endpoint, "copy", { file });
  await first.ready(3_000);
  await first.close();
  await listener.close();
  await state.close();
  expect(readdirSync(join(folder, "deep"))).toEqual(["copy"]);
  await using second = viewState<number>(listener.endpoint, "copy", { file });
  expect([second.get("k"), second.fresh]).toEqual([7, false]);
  await using other = viewState<number>(listener.endpoint, "other", { file });
  expect(other.entries()).toEqual([]);
  writeFileSync(file, "not a copy");
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  await using third = viewState<number>(listener.endpoint, "copy", { file, onError });
  expect(third.entries()).toEqual([]);
  expect(String(errors[0])).toMatch(/is no copy of a state|Error/);
  expect(existsSync(file)).toBe(true);
});

test("what was read of an owner's life before is not overwritten", async () => {
  const first = await listen("tcp://127.0.0.1:*");
  const writable = (): boolean => true;
  const before = openState<number>("lives", first, { writable });
  before.set("k", 1);
  await using view = viewState<number>(first.endpoint, "lives");
  await view.ready(3_000);
  const read = view.at("k");
  await first.close();
  await using second = await listen(first.endpoint);
  await using after = openState<number>("lives", second, { writable });
  after.set("k", 2);
  await expect.poll(() => view.get("k"), { timeout: 5_000 }).toBe(2);
  expect(view.at("k")?.version).toBe(read?.version);
  await expect(view.set("k", 3, { if: read ?? 0 })).rejects.toMatchObject({
    code: "ERR_CONFLICT",
    message: expect.stringContaining("life before"),
  });
  await view.set("k", 3, { if: view.at("k") ?? 0 });
  expect(after.get("k")).toBe(3);
});

test("a viewer that takes nothing for a while gets all there is, and holds up nobody", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using state = openState<Uint8Array>("large", listener);
  const slow = dial(listener.endpoint, { node: "slow" });
  await slow.ready(3_000);
  slow.pause();
  await using late = viewState<Uint8Array>(slow, "large");
  await using quick = viewState<Uint8Array>(listener.endpoint, "large");
  await quick.ready(3_000);
  await expect.poll(() => state.viewers()).toHaveLength(2);
  // More than may wait for one session.
  for (let round = 0; round < 100; round++) {
    state.set(`k${round % 50}`, new Uint8Array(1_000_000).fill(round));
    await new Promise((resolve) => setImmediate(resolve));
  }
  state.delete("k0");
  await expect.poll(() => quick.version, { timeout: 10_000 }).toBe(state.version);
  const behind = (): (boolean | undefined)[] =>
    state
      .viewers()
      .filter(({ node }) => node === "slow")
      .map((viewer) => viewer.behind);
  expect(behind()).toEqual([true]);
  slow.resume();
  await expect.poll(() => late.version, { timeout: 20_000 }).toBe(state.version);
  expect(late.entries().length).toBe(49);
  expect(late.entries().every(([key, value]) => value[0] === Number(key.slice(1)) + 50)).toBe(true);
  expect(behind()).toEqual([false]);
  await slow.close();
}, 60_000);

test("what is out of bounds is refused, and named", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using state = openState<unknown>("bounds", listener, { keysMax: 2 });
  expect(() => state.set("", 1)).toThrow(/is no key/);
  expect(() => state.set("k".repeat(1_025), 1)).toThrow(/is no key/);
  expect(() => state.set("k", "x".repeat(5e6))).toThrow(/value of k has 5000005 bytes/);
  expect(() => state.set("k", 1, { ttlMs: 0 })).toThrow(/ttlMs of k is 0/);
  state.set("a", 1);
  state.set("b", 1);
  expect(() => state.set("c", 1)).toThrow(/bounds has 2 keys, its keysMax/);
  state.set("b", 2);
  const session = dial(listener.endpoint);
  await using view = viewState<unknown>(session, "bounds");
  await view.ready(3_000);
  expect(() => viewState(session, "bounds")).toThrow(/serves one user of bounds already/);
  await session.close();
});

test("a key that is set again with an end keeps its last one, however often", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using state = openState<number>("ends", listener);
  for (let i = 0; i < 1_000; i++) state.set("long", i, { ttlMs: 60_000 });
  state.set("short", 1, { ttlMs: 30 });
  state.set("longer", 1, { ttlMs: 30 });
  state.set("longer", 2, { ttlMs: 60_000 });
  await expect.poll(() => state.get("short"), { timeout: 2_000 }).toBeUndefined();
  expect(state.entries()).toEqual([
    ["long", 999],
    ["longer", 2],
  ]);
});

test("a viewer that was killed is not waited for", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using state = openState<number>("killed", listener);
  const script = `
    import { viewState } from "@zeroplane/patterns";
    const view = viewState(process.argv[1], "killed", { node: "victim" });
    setInterval(() => undefined, 1000);
  `;
  const args = ["-C", "@zeroplane/source", "--input-type=module", "-e", script, listener.endpoint];
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  await expect.poll(() => state.viewers(), { timeout: 10_000 }).toMatchObject([{ up: true }]);
  await state.seen(state.set("k", 1), { timeoutMs: 5_000 });
  child.kill("SIGKILL");
  const version = state.set("k", 2);
  expect(await state.seen(version, { timeoutMs: 5_000 })).toEqual([]);
  expect(state.viewers()).toMatchObject([{ node: "victim", up: false }]);
});

test("a state that is closed and opened again on its listener is viewed again", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  const before = openState<number>("again", listener);
  expect(() => openState("again", listener)).toThrow(/again is open on this listener already/);
  before.set("k", 1);
  await using view = viewState<number>(listener.endpoint, "again");
  await view.ready(3_000);
  await before.close();
  await expect.poll(() => view.fresh).toBe(false);
  expect(view.get("k")).toBe(1);
  await using after = openState<number>("again", listener);
  after.set("k", 2);
  await expect.poll(() => view.get("k"), { timeout: 5_000 }).toBe(2);
  expect(after.viewers()).toHaveLength(1);
});

test("a view that is closed is no viewer any more, though its session goes on", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using state = openState<number>("left", listener, { writable: () => true });
  await using session = dial(listener.endpoint);
  const view = viewState<number>(session, "left");
  await view.set("held", 1, { ephemeral: true });
  await expect.poll(() => state.viewers()).toHaveLength(1);
  await view.close();
  await expect.poll(() => state.viewers(), { timeout: 5_000 }).toEqual([]);
  expect([session.state, state.entries()]).toEqual(["up", []]);
});
