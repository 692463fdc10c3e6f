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

test("a key with an end goes, unless it is set again", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using state = openState<number>("ttl", listener);
  await using view = viewState<number>(listener.endpoint, "ttl");
  await view.ready(3_000);
  state.set("stays", 1, { ttlMs: 10 });
  state.set("stays", 2);
  state.set("goes", 1, { ttlMs: 10 });
  await expect.poll(() => view.entries(), { timeout: 5_000 }).toEqual([["stays", 2]]);
  expect(state.get("goes")).toBeUndefined();
});

test("a viewer sets what it may, at the version it knows", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  const writable = ({ key }: { key: string }): boolean => key.startsWith("open/");
  await using state = openState<number>("put", listener, { writable });
  await using view = viewState<number>(listener.endpoint, "put");
  const version = await view.set("open/k", 1, { if: 0 });
  await expect(view.set("open/k", 2, { if: 0 })).rejects.toMatchObject({ code: "ERR_CONFLICT" });
  await expect(view.set("shut/k", 2)).rejects.toMatchObject({ code: "ERR_READ_ONLY" });
  expect(state.read("open/k")).toEqual({ value: 1, version });
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
  await using third = viewState<number>(listener.endpoint, "copy", { file });
  expect(third.entries()).toEqual([]);
  expect(existsSync(file)).toBe(true);
});
