import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PeerProcess } from "../peer-process.ts";

/** What many waiting jobs cost. */
export interface Backlog {
  readonly jobs: number;
  readonly addsPerSecond: number;
  /** Memory of the process that has added them, and of one that has opened their file. */
  readonly addedRssMb: number;
  readonly openedRssMb: number;
  readonly openMs: number;
}

const SCRIPT = new URL("backlog-process.ts", import.meta.url);

/** Adds `jobs` without a worker, then opens the file in another process. */
export async function measureBacklog(jobs: number): Promise<Backlog> {
  const folder = mkdtempSync(join(tmpdir(), "zp-backlog-"));
  const file = join(folder, "jobs.db");
  try {
    const first = await PeerProcess.fork(SCRIPT, [file, String(jobs)]);
    const added = first.ready as { rssMb: number; seconds: number };
    await first[Symbol.asyncDispose]();
    const second = await PeerProcess.fork(SCRIPT, [file, "0"]);
    const opened = second.ready as { rssMb: number; openMs: number };
    await second[Symbol.asyncDispose]();
    return {
      jobs,
      addsPerSecond: Math.round(jobs / added.seconds),
      addedRssMb: added.rssMb,
      openedRssMb: opened.rssMb,
      openMs: opened.openMs,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
