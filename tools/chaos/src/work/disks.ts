import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "@zeroplane/link";
import { openQueue } from "@zeroplane/patterns";
import { QUEUE } from "./errand.ts";
import { drained } from "./jobs.ts";
import { Town } from "./town.ts";

/** What became of a queue on a disk that was full. */
export interface FullReport {
  readonly taken: number;
  readonly refused: number;
}

/** What became of queues on bad disks. */
export interface DiskReport {
  readonly corrupt: { readonly quarantined: number; readonly done: number };
  /** The disk was freed by somebody else. */
  readonly freed?: FullReport;
  /** Only ended jobs gave room back. */
  readonly drained?: FullReport;
  /** The disk could not be written when the file was opened. */
  readonly readOnly?: { readonly jobs: number };
  /** Why cases were left out. */
  readonly skipped?: string;
}

const MB = 1024 * 1024;
const DISK_MB = 24;
/** What others have on that disk, until it is freed. */
const FILLER_MB = 10;
/** Payloads that fill the disk soon. */
const ERRAND = { number: 1, padding: "x".repeat(60_000) };
const ADDS_MAX = 2_000;
const REFUSED = 20;
const JOBS = 200;
const WAIT_MS = 30_000;

/** A queue whose disk is full, and one whose file was damaged. @throws Error when a promise breaks */
export async function chaosDisks(): Promise<DiskReport> {
  const corrupt = await damaged();
  const disk = mkdtempSync(join(tmpdir(), "zp-disk-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MB}m`, "tmpfs", disk]);
  if (mounted.status !== 0) {
    rmdirSync(disk);
    return { corrupt, skipped: "a full disk: it needs the right to mount one" };
  }
  try {
    const freed = await full(disk, FILLER_MB);
    return { corrupt, freed, drained: await full(disk, 0), readOnly: await readOnly(disk) };
  } finally {
    spawnSync("umount", [disk]);
    rmdirSync(disk);
  }
}

/** Adds are refused by name, what was taken still ends, and then there is room again. */
async function full(disk: string, fillerMb: number): Promise<FullReport> {
  const filler = join(disk, "filler");
  writeFileSync(filler, Buffer.alloc(fillerMb * MB));
  await using town = await Town.found({ keepMax: 10 }, disk);
  const taken: string[] = [];
  let refused = 0;
  for (let left = ADDS_MAX; left > 0 && refused < REFUSED; left--) {
    try {
      taken.push((await town.producer.add(ERRAND)).id);
    } catch (error) {
      expect(codeOf(error) === "ERR_STORE_FULL", `refused by ${String(error)}`);
      refused++;
    }
  }
  expect(refused === REFUSED, `the disk took ${taken.length} jobs and is not full`);
  const { jobs } = await town.producer.stats();
  expect(jobs.ready === taken.length, `${taken.length} were taken: ${JSON.stringify(jobs)}`);
  await town.killDealer();
  const again = (await town.producer.stats()).jobs;
  expect(again.ready === taken.length, `after a kill: ${JSON.stringify(again)}`);
  await town.startWorker("a", 8);
  await drained(town, WAIT_MS);
  const runs = new Set(town.runs().map((lease) => lease.split("/")[0]));
  const lost = taken.find((id) => !runs.has(id));
  expect(lost === undefined, `job ${lost} did not run`);
  rmSync(filler);
  await takesAgain(town, fillerMb === 0 ? "only ended jobs gave room back" : "the disk was freed");
  return { taken: taken.length, refused };
}

/** A file that cannot be written is refused by its name, and is whole when it can be again. */
async function readOnly(disk: string): Promise<{ readonly jobs: number }> {
  const file = join(disk, "read-only.db");
  await using listener = await listen("tcp://127.0.0.1:*");
  {
    await using queue = openQueue<number>(QUEUE, listener, { file });
    for (let number = 0; number < JOBS; number++) await queue.add(number);
  }
  remount(disk, "ro");
  try {
    await openQueue(QUEUE, listener, { file }).close();
    throw new Error("a file on a disk that cannot be written was opened");
  } catch (error) {
    const isNamed = codeOf(error) === "ERR_STORE" && String(error).includes(file);
    expect(isNamed, `refused by ${String(error)}`);
  } finally {
    remount(disk, "rw");
  }
  await using queue = openQueue<number>(QUEUE, listener, { file });
  const { ready } = queue.stats().jobs;
  expect(ready === JOBS, `${ready} of ${JOBS} jobs are there`);
  return { jobs: ready };
}

function remount(disk: string, how: "ro" | "rw"): void {
  const { status, stderr } = spawnSync("mount", ["-o", `remount,${how}`, disk]);
  expect(status === 0, `the disk cannot be mounted ${how}: ${String(stderr)}`);
}

async function takesAgain(town: Town, why: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    try {
      const { id } = await town.producer.add({ number: 7 });
      const result = await town.producer.result(id, { timeoutMs: WAIT_MS });
      expect(result === 7, `it gave ${result}`);
      return;
    } catch (error) {
      expect(codeOf(error) === "ERR_STORE_FULL", String(error));
      expect(performance.now() < deadline, `${why}, and no job is taken`);
      await sleep(200);
    }
  }
}

/** One record with a flipped byte is put aside and counted; the file opens and the rest is done. */
async function damaged(): Promise<{ quarantined: number; done: number }> {
  await using town = await Town.found();
  const adds = Array.from({ length: JOBS }, (_, number) => town.producer.add({ number }));
  const ids = (await Promise.all(adds)).map(({ id }) => id);
  await town.stopDealer();
  const victim = ids[JOBS / 2] ?? "";
  flip(town.file, victim);
  await town.startDealer();
  await town.startWorker("a", 8);
  await drained(town, WAIT_MS);
  const { jobs, quarantined } = await town.producer.stats();
  expect(quarantined === 1, `${quarantined} records are put aside`);
  expect(jobs.done === JOBS - 1 && jobs.dead === 0, JSON.stringify(jobs));
  expect(!town.runs().some((lease) => lease.startsWith(`${victim}/`)), "a damaged job ran");
  return { quarantined, done: jobs.done };
}

/** Flips a bit of the record of job `id`, where it lies in the file. */
function flip(file: string, id: string): void {
  const db = new DatabaseSync(file);
  const row = db.prepare("SELECT head FROM jobs WHERE id = ?").get(id);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  const head = Buffer.from(row?.["head"] as Uint8Array);
  const bytes = readFileSync(file);
  const at = bytes.indexOf(head);
  expect(at >= 0, `the record of ${id} is not in the file`);
  const middle = at + Math.floor(head.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
