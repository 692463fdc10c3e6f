import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { JobRecord } from "./job.ts";
import { SqliteStore } from "./sqlite-store.ts";
import { MemoryStore } from "./store.ts";

const file = (): string => join(mkdtempSync(join(tmpdir(), "zp-work-")), "jobs.db");

function job(id: string, change: Partial<JobRecord> = {}): JobRecord {
  return {
    id,
    key: undefined,
    payload: Uint8Array.of(1),
    headers: { a: "b" },
    priority: 0,
    attemptsMax: 3,
    addedAtMs: Number(id.replace(/\D/g, "")),
    dueAtMs: 0,
    state: "ready",
    attempt: 0,
    crashes: 0,
    worker: undefined,
    result: undefined,
    errors: [],
    finishedAtMs: undefined,
    ...change,
  };
}

describe.each([
  ["memory", () => new MemoryStore()],
  ["a SQLite file", () => new SqliteStore(file())],
])("a store in %s", (_name, open) => {
  test("gives back what was put, and its changes", () => {
    using store = open();
    store.put(job("j1"));
    store.put(job("j1", { state: "leased", attempt: 1, worker: "w" }));
    expect(store.get("j1")).toMatchObject({
      state: "leased",
      attempt: 1,
      worker: "w",
      headers: { a: "b" },
    });
    expect(store.get("j2")).toBe(undefined);
  });

  test("claims by priority, then by time, and nothing before its time", () => {
    using store = open();
    store.put(job("j1", { dueAtMs: 10 }));
    store.put(job("j2", { dueAtMs: 5 }));
    store.put(job("j3", { dueAtMs: 20, priority: 1 }));
    store.put(job("j4", { state: "delayed", dueAtMs: 1_000 }));
    store.put(job("j5", { state: "leased" }));
    expect(store.claimable(100, 10).map(({ id }) => id)).toEqual(["j3", "j2", "j1"]);
    expect(store.claimable(100, 1).map(({ id }) => id)).toEqual(["j3"]);
    expect(store.claimable(1_000, 10)).toHaveLength(4);
    expect(store.nextDueAtMs()).toBe(1_000);
  });

  test("finds an unfinished job by its key only", () => {
    using store = open();
    store.put(job("j1", { key: "k" }));
    expect(store.byKey("k")?.id).toBe("j1");
    store.put(job("j1", { key: "k", state: "done", finishedAtMs: 5 }));
    expect(store.byKey("k")).toBe(undefined);
    store.put(job("j2", { key: "k" }));
    expect(store.byKey("k")?.id).toBe("j2");
  });

  test("lists newest first, counts by state and forgets what ended long ago", () => {
    using store = open();
    store.put(job("j1", { state: "done", finishedAtMs: 10 }));
    store.put(job("j2", { state: "dead", finishedAtMs: 20 }));
    store.put(job("j3"));
    expect(store.list(["done", "dead"], 10).map(({ id }) => id)).toEqual(["j2", "j1"]);
    expect(store.count()).toMatchObject({ done: 1, dead: 1, ready: 1, leased: 0 });
    expect(store.forget(15)).toBe(1);
    expect(store.get("j1")).toBe(undefined);
    expect(store.get("j3")?.id).toBe("j3");
  });
});

test("a SQLite store keeps what was committed for the next process", () => {
  const path = file();
  {
    using store = new SqliteStore(path);
    store.begin();
    store.put(job("j1", { key: "k" }));
    store.commit();
  }
  using again = new SqliteStore(path);
  expect(again.byKey("k")?.payload).toEqual(Uint8Array.of(1));
});
