import { expect, test } from "vitest";
import { WorkCore } from "./core.ts";
import { type AddOptions, AGEING_MS, copyOf, type JobRecord } from "./job.ts";
import { MemoryStore } from "./memory-store.ts";
import { type JobContent, newRecord } from "./new-job.ts";
import { QUEUE_DEFAULTS } from "./settings.ts";

interface Given {
  readonly worker: string;
  readonly job: JobRecord;
}

/** A core whose turns end by themselves. */
class TestCore extends WorkCore {
  #ids = 0;

  put(job: Partial<AddOptions & JobContent> = {}, nowMs = 0): JobRecord {
    const content = { id: `j${++this.#ids}`, payload, headers: {}, ...job };
    const added = copyOf(this.add(newRecord(content, job, nowMs), nowMs));
    this.assign(nowMs);
    return added;
  }

  ran(id: string, token: number, nowMs = 0): boolean {
    const accepted = this.done(id, token, result, nowMs);
    this.assign(nowMs);
    return accepted;
  }

  joins(name: string, credit: number, nowMs = 0, running: [string, number][] = []): void {
    this.ready(name, { credit, running, fresh: true }, nowMs);
    this.assign(nowMs);
  }

  passes(nowMs: number): void {
    this.tick(nowMs);
    this.assign(nowMs);
  }
}

interface TestWorld {
  readonly core: TestCore;
  readonly store: MemoryStore;
  readonly given: Given[];
  readonly revoked: string[];
}

function world(keepMax = QUEUE_DEFAULTS.keepMax): TestWorld {
  const store = new MemoryStore();
  const given: Given[] = [];
  const revoked: string[] = [];
  const core = new TestCore(
    store,
    { ...QUEUE_DEFAULTS, graceMs: 100, keepMs: 1e9, keepMax },
    {
      give: (worker, job) => given.push({ worker, job: copyOf(job) }),
      revoke: (worker, id, token, code) => revoked.push(`${worker} ${id}/${token} ${code}`),
      changed: () => undefined,
    },
  );
  return { core, store, given, revoked };
}

const payload = Uint8Array.of(1);
const result = Uint8Array.of(2);
const error = { name: "E", message: "m", hops: [] };

const ids = (given: readonly Given[]): string[] => given.map(({ job }) => job.id);

test("gives jobs to the worker with most room, never beyond its credit", () => {
  const { core, given } = world();
  core.joins("a", 1);
  core.joins("b", 2);
  for (let i = 0; i < 5; i++) core.put();
  expect(given.map(({ worker }) => worker)).toEqual(["b", "a", "b"]);
  core.ran("j2", 1, 1);
  expect(given.at(-1)).toMatchObject({ worker: "a", job: { id: "j4" } });
});

test("tries a failed job again after growing waits, then lists it as dead with its history", () => {
  const { core, store, given } = world();
  core.joins("a", 1);
  core.put();
  core.failed("j1", 1, error, 0);
  expect(store.get("j1")).toMatchObject({ state: "delayed", dueAtMs: 1_000 });
  core.passes(999);
  expect(given).toHaveLength(1);
  core.passes(1_000);
  core.failed("j1", 2, error, 1_000);
  expect(store.get("j1")?.dueAtMs).toBe(3_000);
  core.passes(3_000);
  core.failed("j1", 3, error, 3_000);
  expect(store.get("j1")).toMatchObject({ state: "dead", attempt: 3 });
  expect(store.get("j1")?.errors).toHaveLength(3);
  core.retry("j1", 4_000);
  core.assign(4_000);
  expect(given.at(-1)?.job).toMatchObject({ id: "j1", attempt: 4, failures: 0 });
  expect(given.at(-1)?.job.errors).toHaveLength(3);
});

test("does not try again what says that it is of no use", () => {
  const { core, store } = world();
  core.joins("a", 1);
  core.put();
  core.failed("j1", 1, { ...error, retryable: false }, 0);
  expect(store.get("j1")?.state).toBe("dead");
});

test("gives a vanished worker's job to another and refuses its late word", () => {
  const { core, store, given } = world();
  core.joins("a", 1);
  core.put();
  core.lost("a", 0);
  core.joins("b", 1, 50);
  core.passes(99);
  expect(given).toHaveLength(1);
  core.passes(100);
  expect(given.at(-1)).toMatchObject({ worker: "b", job: { id: "j1", attempt: 2 } });
  expect(core.ran("j1", 1, 110)).toBe(false);
  expect(core.counters.late).toBe(1);
  expect(core.ran("j1", 2, 120)).toBe(true);
  expect(core.ran("j1", 2, 130)).toBe(true);
  expect(core.counters.late).toBe(1);
  expect(store.get("j1")?.state).toBe("done");
});

test("lets a worker that comes back within the grace time keep its job", () => {
  const { core, given } = world();
  core.joins("a", 1);
  core.put();
  core.lost("a", 0);
  core.joins("a", 1, 50, [["j1", 1]]);
  core.passes(500);
  expect(given).toHaveLength(1);
  expect(core.ran("j1", 1, 600)).toBe(true);
});

test("gives the job of a worker that comes back with empty hands to somebody else at once", () => {
  const { core, given } = world();
  core.joins("a", 1);
  core.put();
  core.lost("a", 0);
  core.joins("a", 1, 50);
  expect(given.at(-1)).toMatchObject({ worker: "a", job: { id: "j1", attempt: 2, crashes: 1 } });
  expect(core.ran("j1", 1, 60)).toBe(false);
  expect(core.ran("j1", 2, 70)).toBe(true);
});

test("a stalled worker keeps its job until the hard timeout, and gets no other", () => {
  const { core, given, revoked } = world();
  core.joins("a", 2);
  core.put({ timeoutMs: 10_000 });
  core.stalled("a");
  core.put();
  core.passes(9_999);
  expect(ids(given)).toEqual(["j1"]);
  core.revived("a");
  core.assign(9_999);
  expect(ids(given)).toEqual(["j1", "j2"]);
  core.passes(10_000);
  expect(revoked).toEqual(["a j1/1 ERR_JOB_TIMEOUT"]);
  expect(core.counters.timedOut).toBe(1);
  expect(core.ran("j1", 1, 10_001)).toBe(false);
});

test("buries a job that made two workers vanish while it ran alone", () => {
  const { core, store } = world();
  core.put();
  for (const worker of ["a", "b"]) {
    core.joins(worker, 1);
    core.gone(worker, 0);
  }
  expect(store.get("j1")).toMatchObject({ state: "dead", crashes: 2 });
  expect(store.get("j1")?.errors.at(-1)?.message).toContain("worker b vanished");
});

test("jobs that shared a worker with a poison job are tried alone and live", () => {
  const { core, store, given } = world();
  for (let i = 0; i < 4; i++) core.put();
  let nowMs = 0;
  for (let life = 0; life < 20 && store.count().done + store.count().dead < 4; life++) {
    core.joins(`w${life}`, 4, ++nowMs);
    for (let ran = 0; ran < given.length; ran++) {
      const { job } = given[ran] as Given;
      if (job.id === "j2") core.gone(`w${life}`, nowMs);
      else core.ran(job.id, job.attempt, nowMs);
    }
    given.length = 0;
  }
  expect(store.get("j2")).toMatchObject({ state: "dead", crashes: 2 });
  expect(store.count()).toMatchObject({ done: 3, dead: 1 });
});

test("after a restart waits for the workers that still run its jobs", () => {
  const first = world();
  first.core.joins("a", 2);
  first.core.put();
  first.core.put();
  const second = world();
  for (const job of first.store.list(["leased"], 10)) second.store.insert(job);
  second.core.open(1_000);
  second.core.joins("a", 2, 1_010, [["j1", 1]]);
  second.core.passes(1_100);
  expect(second.given).toMatchObject([{ worker: "a", job: { id: "j2", attempt: 2 } }]);
  expect(second.core.ran("j1", 1, 1_200)).toBe(true);
});

test("takes a running job back when it is cancelled", () => {
  const { core, store, revoked } = world();
  core.joins("a", 1);
  core.put();
  core.cancel("j1", 5);
  expect(revoked).toEqual(["a j1/1 ERR_JOB_CANCELLED"]);
  expect(store.get("j1")?.state).toBe("cancelled");
  expect(core.ran("j1", 1, 6)).toBe(false);
  expect(() => core.cancel("j1", 7)).toThrow(/cancelled/);
});

test("a released job costs no attempt, and its token rises", () => {
  const { core, given } = world();
  core.joins("a", 1);
  core.put({ attemptsMax: 1 });
  core.released("j1", 1);
  core.assign(0);
  expect(given.at(-1)?.job).toMatchObject({ attempt: 2, failures: 0 });
  expect(core.ran("j1", 1)).toBe(false);
  expect(core.ran("j1", 2)).toBe(true);
});

test("higher priority goes first, until the others have waited long enough", () => {
  const { core, given } = world();
  core.put();
  core.put({ priority: 1 }, AGEING_MS - 1);
  core.put({ priority: 1 }, AGEING_MS + 1);
  core.joins("a", 3, AGEING_MS + 1);
  expect(ids(given)).toEqual(["j2", "j1", "j3"]);
});

test("jobs of one serial key run one after the other, through retries and ends of every kind", () => {
  const { core, given } = world();
  core.joins("a", 10);
  for (let i = 0; i < 4; i++) core.put({ serial: "s", attemptsMax: 2 });
  core.put({ serial: "other" });
  expect(ids(given)).toEqual(["j1", "j5"]);
  core.failed("j1", 1, error, 0);
  core.passes(999);
  expect(ids(given)).toEqual(["j1", "j5"]);
  core.passes(1_000);
  core.cancel("j3", 1_000);
  core.failed("j1", 2, error, 1_000);
  core.assign(1_000);
  expect(ids(given)).toEqual(["j1", "j5", "j1", "j2"]);
  core.ran("j2", 1, 1_000);
  expect(given.at(-1)?.job.id).toBe("j4");
});

test("a key gives the job that is there, until it is done and its time is over", () => {
  const { core } = world();
  core.joins("a", 1);
  core.put({ key: "k", keyTtlMs: 100 });
  expect(core.put({ key: "k" }).id).toBe("j1");
  core.ran("j1", 1, 50);
  expect(core.put({ key: "k" }, 149).id).toBe("j1");
  expect(core.put({ key: "k" }, 150).id).toBe("j4");
  core.cancel("j4", 160);
  expect(core.put({ key: "k" }, 160).id).toBe("j5");
});

test("jobs that end in great number are forgotten without waiting for a tick", () => {
  const { core, store } = world(10);
  core.joins("a", 1);
  for (let i = 1; i <= 2_000; i++) {
    core.put();
    core.ran(`j${i}`, 1);
    expect(store.count().done).toBeLessThan(1_000);
  }
  expect(store.get("j2000")?.state).toBe("done");
});
