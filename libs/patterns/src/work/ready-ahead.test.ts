import { expect, test } from "vitest";
import type { JobRecord } from "./job.ts";
import { newRecord } from "./new-job.ts";
import { AHEAD_JOBS, type Reading, ReadyAhead } from "./ready-ahead.ts";

/** What is on the disk, and a window on it. */
class Disk {
  readonly ahead = new ReadyAhead();
  readonly #ready = new Map<string, JobRecord>();
  readings = 0;
  #place = 0;

  insert(rank: number): JobRecord {
    const place = ++this.#place;
    const content = { id: `j${place}`, payload: new Uint8Array(4), headers: {} };
    const job = Object.assign(newRecord(content, {}, 0), { rank, place });
    this.#ready.set(job.id, job);
    this.ahead.add(job);
    return job;
  }

  drop(job: JobRecord): void {
    this.#ready.delete(job.id);
    this.ahead.delete(job);
  }

  take(count: number): JobRecord[] {
    const taken = this.ahead.take(count, ({ rank, place }) => this.#read(rank, place));
    for (const { id } of taken) this.#ready.delete(id);
    return taken;
  }

  sorted(): JobRecord[] {
    return [...this.#ready.values()].sort((a, b) => a.rank - b.rank || a.place - b.place);
  }

  #read(rank: number, place: number): Reading {
    this.readings++;
    const from = this.sorted().filter(
      (job) => job.rank > rank || (job.rank === rank && job.place >= place),
    );
    // Records are read anew, as from a disk.
    const jobs = from.slice(0, AHEAD_JOBS).map((job) => ({ ...job }));
    return { jobs, isAll: from.length <= AHEAD_JOBS };
  }
}

const ids = (jobs: readonly JobRecord[]): string[] => jobs.map(({ id }) => id);

test("jobs come in their order, whether they are at hand or not, each once", () => {
  const disk = new Disk();
  let seed = 1;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let round = 0; round < 60; round++) {
    const added = Array.from({ length: random(900) }, () => disk.insert(random(50)));
    for (const job of added) if (random(20) === 0) disk.drop(job);
    const wanted = ids(disk.sorted()).slice(0, random(400));
    expect(ids(disk.take(wanted.length))).toEqual(wanted);
  }
  const rest = ids(disk.sorted());
  expect(rest.length).toBeGreaterThan(2 * AHEAD_JOBS);
  expect(ids(disk.take(rest.length + 1))).toEqual(rest);
});

test("a queue that is not far behind reads nothing back", () => {
  const disk = new Disk();
  disk.take(1);
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < 50; i++) disk.insert(round);
    disk.take(49);
  }
  expect(disk.readings).toBe(1);
});

test("a job that came back stands where it belongs", () => {
  const disk = new Disk();
  disk.take(1);
  const [first, second] = [disk.insert(1), disk.insert(2)];
  expect(ids(disk.take(1))).toEqual([first.id]);
  disk.ahead.add(first);
  expect(ids(disk.take(2))).toEqual([first.id, second.id]);
});
