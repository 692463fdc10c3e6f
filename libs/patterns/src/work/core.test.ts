import { expect, test } from "vitest";
import { BACKOFF } from "../backoff.ts";
import { WorkCore } from "./core.ts";
import type { JobRecord } from "./job.ts";
import { MemoryStore } from "./store.ts";

interface Given {
  readonly worker: string;
  readonly job: JobRecord;
}

function world(): { core: WorkCore; store: MemoryStore; given: Given[]; revoked: string[] } {
  const store = new MemoryStore();
  const given: Given[] = [];
  const revoked: string[] = [];
  let ids = 0;
  const core = new WorkCore(
    store,
    { backoff: BACKOFF, graceMs: 100, crashesMax: 2, keepMs: 1e9 },
    {
      newId: () => `j${++ids}`,
      give: (worker, job) => given.push({ worker, job }),
      revoke: (worker, id, token) => revoked.push(`${worker} ${id}/${token}`),
      changed: () => undefined,
    },
  );
  return { core, store, given, revoked };
}

const payload = Uint8Array.of(1);
const result = Uint8Array.of(2);
const error = { name: "E", message: "m", hops: [] };

test("gives jobs to the least busy worker, never beyond its credit", () => {
  const { core, given } = world();
  core.ready("a", { credit: 1, running: [] }, 0);
  core.ready("b", { credit: 2, running: [] }, 0);
  for (let i = 0; i < 5; i++) core.add({ payload, headers: {} }, 0);
  expect(given.map(({ worker }) => worker)).toEqual(["b", "a", "b"]);
  core.done("j2", 1, result, 1);
  expect(given.at(-1)).toMatchObject({ worker: "a", job: { id: "j4" } });
});

test("tries a failed job again after growing waits, then lists it as dead", () => {
  const { core, store, given } = world();
  core.ready("a", { credit: 1, running: [] }, 0);
  core.add({ payload, headers: {} }, 0);
  core.failed("j1", 1, error, 0);
  expect(store.get("j1")).toMatchObject({ state: "delayed", dueAtMs: 1_000 });
  core.tick(999);
  expect(given).toHaveLength(1);
  core.tick(1_000);
  core.failed("j1", 2, error, 1_000);
  expect(store.get("j1")?.dueAtMs).toBe(3_000);
  core.tick(3_000);
  core.failed("j1", 3, error, 3_000);
  expect(store.get("j1")).toMatchObject({ state: "dead", attempt: 3 });
  expect(store.get("j1")?.errors).toHaveLength(3);
  core.retry("j1", 4_000);
  expect(given.at(-1)?.job).toMatchObject({ id: "j1", attempt: 4 });
});

test("does not try again what says that it is of no use", () => {
  const { core, store } = world();
  core.ready("a", { credit: 1, running: [] }, 0);
  core.add({ payload, headers: {} }, 0);
  core.failed("j1", 1, { ...error, retryable: false }, 0);
  expect(store.get("j1")?.state).toBe("dead");
});

test("gives a vanished worker's job to another and refuses its late word", () => {
  const { core, store, given } = world();
  core.ready("a", { credit: 1, running: [] }, 0);
  core.add({ payload, headers: {} }, 0);
  core.lost("a", 0);
  core.ready("b", { credit: 1, running: [] }, 50);
  core.tick(99);
  expect(given).toHaveLength(1);
  core.tick(100);
  expect(given.at(-1)).toMatchObject({ worker: "b", job: { id: "j1", attempt: 2 } });
  expect(core.done("j1", 1, result, 110)).toBe(false);
  expect(core.late).toBe(1);
  expect(core.done("j1", 2, result, 120)).toBe(true);
  expect(core.done("j1", 2, result, 130)).toBe(true);
  expect(store.get("j1")?.state).toBe("done");
});

test("lets a worker that comes back within the grace time keep its job", () => {
  const { core, given } = world();
  core.ready("a", { credit: 1, running: [] }, 0);
  core.add({ payload, headers: {} }, 0);
  core.lost("a", 0);
  core.ready("a", { credit: 1, running: [["j1", 1]] }, 50);
  core.tick(500);
  expect(given).toHaveLength(1);
  expect(core.done("j1", 1, result, 600)).toBe(true);
});

test("gives the job of a worker that comes back with empty hands to somebody else at once", () => {
  const { core, given } = world();
  core.ready("a", { credit: 1, running: [], fresh: true }, 0);
  core.add({ payload, headers: {} }, 0);
  core.lost("a", 0);
  core.ready("a", { credit: 1, running: [], fresh: true }, 50);
  expect(given.at(-1)).toMatchObject({ worker: "a", job: { id: "j1", attempt: 2, crashes: 1 } });
  expect(core.done("j1", 1, result, 60)).toBe(false);
  expect(core.done("j1", 2, result, 70)).toBe(true);
});

test("buries a job that made two workers vanish", () => {
  const { core, store } = world();
  core.add({ payload, headers: {} }, 0);
  for (const worker of ["a", "b"]) {
    core.ready(worker, { credit: 1, running: [] }, 0);
    core.gone(worker, 0);
  }
  expect(store.get("j1")).toMatchObject({ state: "dead", crashes: 2 });
  expect(store.get("j1")?.errors.at(-1)?.message).toContain("worker b vanished");
});

test("after a restart waits for the workers that still run its jobs", () => {
  const first = world();
  first.core.ready("a", { credit: 2, running: [] }, 0);
  first.core.add({ payload, headers: {} }, 0);
  first.core.add({ payload, headers: {} }, 0);
  const second = world();
  for (const job of first.store.list(["leased"], 10)) second.store.put(job);
  second.core.open(1_000);
  second.core.ready("a", { credit: 2, running: [["j1", 1]] }, 1_010);
  second.core.tick(1_100);
  expect(second.given).toMatchObject([{ worker: "a", job: { id: "j2", attempt: 2 } }]);
  expect(second.core.done("j1", 1, result, 1_200)).toBe(true);
});

test("takes a running job back when it is cancelled", () => {
  const { core, store, revoked } = world();
  core.ready("a", { credit: 1, running: [] }, 0);
  core.add({ payload, headers: {} }, 0);
  core.cancel("j1", 5);
  expect(revoked).toEqual(["a j1/1"]);
  expect(store.get("j1")?.state).toBe("cancelled");
  expect(core.done("j1", 1, result, 6)).toBe(false);
  expect(() => core.cancel("j1", 7)).toThrow(/cancelled/);
});

/** A small seeded generator (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

test("ends every job exactly once under a thousand random histories", () => {
  for (let seed = 1; seed <= 1_000; seed++) {
    const next = random(seed);
    const { core, store, given } = world();
    const outcomes = new Map<string, number>();
    let now = 0;
    for (let step = 0; step < 60; step++) {
      now += Math.floor(next() * 60);
      const worker = `w${Math.floor(next() * 3)}`;
      const choice = next();
      const lease = given[Math.floor(next() * given.length)];
      if (choice < 0.3) core.add({ payload, headers: {} }, now);
      else if (choice < 0.5) core.ready(worker, { credit: 2, running: [] }, now);
      else if (choice < 0.75 && lease !== undefined) {
        const before = store.get(lease.job.id)?.state;
        const accepted = core.done(lease.job.id, lease.job.attempt, result, now);
        if (accepted && before !== "done") {
          outcomes.set(lease.job.id, (outcomes.get(lease.job.id) ?? 0) + 1);
        }
      } else if (choice < 0.85) core.lost(worker, now);
      else if (choice < 0.9) core.gone(worker, now);
      else core.tick(now);
    }
    // Heal: one good worker must bring everything to an end.
    for (let step = 0; step < 400; step++) {
      now += 1_000;
      for (const name of ["w0", "w1", "w2"]) core.gone(name, now);
      core.ready("healer", { credit: 100, running: [] }, now);
      core.tick(now);
      for (const { worker, job } of given.splice(0)) {
        if (worker === "healer" && core.done(job.id, job.attempt, result, now)) {
          outcomes.set(job.id, (outcomes.get(job.id) ?? 0) + 1);
        }
      }
      const { ready, delayed, leased } = store.count();
      if (ready + delayed + leased === 0) break;
    }
    const { ready, delayed, leased, done } = store.count();
    expect([seed, ready + delayed + leased]).toEqual([seed, 0]);
    expect([seed, outcomes.size]).toEqual([seed, done]);
    expect([seed, ...new Set(outcomes.values())]).toEqual(done > 0 ? [seed, 1] : [seed]);
  }
});
