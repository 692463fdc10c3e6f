import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { type JobRecord, rankOf } from "./job.ts";
import { MemoryStore } from "./memory-store.ts";
import { SqliteStore } from "./sqlite-store.ts";
import type { JobStore } from "./store.ts";

const file = (): string => join(mkdtempSync(join(tmpdir(), "zp-work-")), "jobs.db");

function job(id: string, change: Partial<JobRecord> = {}): JobRecord {
  const { dueAtMs = 0, priority = 0 } = change;
  return {
    id,
    key: undefined,
    keyTtlMs: 0,
    serial: undefined,
    payload: Uint8Array.of(1),
    headers: { a: "b" },
    priority,
    timeoutMs: 1_000,
    attemptsMax: 3,
    addedAtMs: Number(id.replace(/\D/g, "")),
    dueAtMs,
    rank: rankOf(dueAtMs, priority),
    place: 0,
    state: "ready",
    attempt: 0,
    failures: 0,
    crashes: 0,
    worker: undefined,
    result: undefined,
    errors: [],
    finishedAtMs: undefined,
    ...change,
  };
}

const ids = (jobs: readonly JobRecord[]): string[] => jobs.map(({ id }) => id);

/** As its user does: in place, and then said. */
function change(store: JobStore, id: string, changes: Partial<JobRecord>): void {
  const record = store.get(id);
  if (record === undefined) throw new Error(`${id} is not there`);
  const from = record.state;
  store.update(Object.assign(record, changes), from);
}

function end(store: JobStore, id: string, finishedAtMs: number): void {
  change(store, id, { state: "done", finishedAtMs });
}

describe.each([
  ["memory", () => new MemoryStore()],
  ["a SQLite file", () => new SqliteStore(file())],
])("a store in %s", (_name, open) => {
  test("gives back what was put, and its changes", () => {
    using store = open();
    const error = { name: "E", message: "m", code: "ERR", retryable: true, hops: [] };
    store.insert(job("j1", { key: "k", serial: "s" }));
    change(store, "j1", { state: "leased", attempt: 1, worker: "w" });
    const leased = { key: "k", serial: "s", state: "leased", attempt: 1, worker: "w" };
    expect(store.get("j1")).toMatchObject({ ...leased, payload: Uint8Array.of(1) });
    const failed = { state: "delayed", failures: 1, errors: [error], dueAtMs: 9, rank: 9 } as const;
    change(store, "j1", failed);
    expect(store.get("j1")).toMatchObject({ ...leased, ...failed });
    change(store, "j1", { state: "leased", attempt: 2, worker: "v" });
    const done = { state: "done", result: Uint8Array.of(7), finishedAtMs: 10 } as const;
    change(store, "j1", done);
    expect(store.get("j1")).toEqual({
      ...job("j1", { ...leased, ...failed, ...done, attempt: 2, worker: "v" }),
      place: expect.any(Number),
    });
    expect(store.get("j2")).toBe(undefined);
    expect(store.count()).toMatchObject({ ready: 0, done: 1 });
    expect(store.newestMs()).toBe(1);
  });

  test("claims by rank, then by id, each job once", () => {
    using store = open();
    store.insert(job("j1", { dueAtMs: 10 }));
    store.insert(job("j2", { dueAtMs: 5 }));
    store.insert(job("j3", { dueAtMs: 20, priority: 1 }));
    store.insert(job("j4", { state: "delayed", dueAtMs: 1_000 }));
    store.insert(job("j5", { state: "suspect" }));
    const first = store.claim("ready", 2);
    expect(ids(first)).toEqual(["j3", "j2"]);
    for (const each of first) store.update(Object.assign(each, { state: "leased" }), "ready");
    expect(ids(store.claim("ready", 10))).toEqual(["j1"]);
    expect(ids(store.claim("suspect", 10))).toEqual(["j5"]);
    expect(store.due(999, 10)).toEqual([]);
    expect(ids(store.due(1_000, 10))).toEqual(["j4"]);
  });

  test("a job that comes back to the queue is claimed again, once", () => {
    using store = open();
    store.insert(job("j1"));
    for (let round = 0; round < 3; round++) {
      const [claimed, more] = store.claim("ready", 2);
      expect([claimed?.id, more]).toEqual(["j1", undefined]);
      change(store, "j1", { state: "leased" });
      change(store, "j1", { state: "ready" });
    }
  });

  test("finds the newest job with a key, and those of a serial key that have not ended", () => {
    using store = open();
    store.insert(job("j1", { key: "k", serial: "s" }));
    store.insert(job("j2", { serial: "s", state: "held" }));
    store.insert(job("j3", { serial: "s", state: "held" }));
    expect(store.nextHeld("s")?.id).toBe("j2");
    end(store, "j1", 5);
    store.insert(job("j4", { key: "k" }));
    expect(store.byKey("k")?.id).toBe("j4");
    expect(store.byKey("other")).toBe(undefined);
    expect(store.hasSerial("s")).toBe(true);
    end(store, "j2", 6);
    end(store, "j3", 6);
    expect(store.hasSerial("s")).toBe(false);
  });

  test("lists newest first, counts by state, and forgets what is old or too much", () => {
    using store = open();
    for (const id of ["j1", "j2", "j3", "j4"]) store.insert(job(id));
    for (const [at, id] of ["j1", "j2", "j3"].entries()) end(store, id, 10 * at);
    expect(ids(store.list(["done"], 2))).toEqual(["j3", "j2"]);
    expect(store.forget(5, 100)).toBe(1);
    expect(store.forget(0, 1)).toBe(1);
    expect(ids(store.list(["done"], 10))).toEqual(["j3"]);
    expect(store.count()).toMatchObject({ done: 1, ready: 1 });
  });

  test("a job that was retried is forgotten by its last end, and once", () => {
    using store = open();
    for (const id of ["j1", "j2", "j3"]) store.insert(job(id));
    end(store, "j1", 1);
    end(store, "j2", 2);
    change(store, "j1", { state: "ready", finishedAtMs: undefined });
    change(store, "j1", { state: "leased" });
    end(store, "j1", 3);
    expect(store.forget(0, 1)).toBe(1);
    expect(ids(store.list(["done"], 10))).toEqual(["j1"]);
    change(store, "j1", { state: "ready", finishedAtMs: undefined });
    change(store, "j1", { state: "leased" });
    end(store, "j1", 3);
    expect(store.forget(10, 0)).toBe(1);
    expect(store.count()).toMatchObject({ done: 0, ready: 1 });
  });

  test("keeps schedules", () => {
    using store = open();
    const [payload, options] = [Uint8Array.of(1), Uint8Array.of(2)];
    const schedule = { name: "s", everyMs: 100, nextAtMs: 5, payload, options };
    store.putSchedule(schedule);
    store.putSchedule({ ...schedule, nextAtMs: 6 });
    expect(store.schedules()).toEqual([{ ...schedule, nextAtMs: 6 }]);
    expect(store.dropSchedule("s")).toBe(true);
    expect(store.dropSchedule("s")).toBe(false);
  });
});

test("a SQLite store keeps what was committed for the next process, and nothing else", () => {
  const path = file();
  {
    using store = new SqliteStore(path);
    store.begin();
    store.insert(job("j1", { key: "k" }));
    store.commit();
    store.begin();
    store.insert(job("j2"));
    store.rollback();
    expect(store.count().ready).toBe(1);
  }
  using again = new SqliteStore(path);
  expect(again.byKey("k")?.payload).toEqual(Uint8Array.of(1));
  expect(again.count().ready).toBe(1);
});

test("a record whose bytes have changed is put aside and counted, the rest is served", () => {
  const path = file();
  {
    using store = new SqliteStore(path);
    for (const id of ["j1", "j2", "j3"]) store.insert(job(id));
  }
  const db = new DatabaseSync(path);
  db.exec(
    "UPDATE jobs SET head = CAST(substr(head, 1, 6) || x'00' || substr(head, 8) AS BLOB) WHERE id = 'j2'",
  );
  db.close();
  using again = new SqliteStore(path);
  expect(ids(again.claim("ready", 2))).toEqual(["j1", "j3"]);
  expect(again.health().quarantined).toBe(1);
  expect(again.count().ready).toBe(2);
});

test("a file that is none of ours is refused by name", () => {
  const path = file();
  writeFileSync(path, "no database at all".repeat(100));
  expect(() => new SqliteStore(path)).toThrow(
    expect.objectContaining({ code: "ERR_STORE", message: expect.stringContaining(path) }),
  );
});
