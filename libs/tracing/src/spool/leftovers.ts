import { readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { OPEN_KIND, writeOpenReport } from "../open-report.ts";
import type { SpanSink } from "../outlet.ts";
import { GoneProcess } from "./gone-process.ts";
import { HOST, parseSpoolName, type SpoolName, spoolName } from "./names.ts";
import { readSpool, type SpoolContent } from "./record.ts";

/** Who has not written for so long is taken to be gone, also when another process has its number. */
const OLD_MS = 10 * 60_000;
/** Bytes of files that are sent; of more the oldest are given up, and counted. */
const LEFT_BYTES_MAX = 64 * 1024 * 1024;
const POLL_MS = 100;
/** What was given to the network is safe after so long. */
const SETTLE_MS = 1_000;
/** Dropped after spans without errors. */
const RANK = 2;

/**
 * Sends what processes that were killed have left in `folder`, one file after the other as the sink takes them, and removes it.
 * What is missing of each is told to the collector. Files of processes that live are left alone.
 */
export class Leftovers {
  readonly #folder: string;
  readonly #own: string;
  readonly #sink: SpanSink;
  #stopped = false;
  /** Spans that were sent. */
  spans = 0;

  /** @param own name of this life, whose files are in use */
  constructor(folder: string, own: string, sink: SpanSink) {
    this.#folder = folder;
    this.#own = own;
    this.#sink = sink;
  }

  /** Sends no more; what was not sent is left for the next start. */
  stop(): void {
    this.#stopped = true;
  }

  /** Resolves once everything was given to the network, or after {@link stop}. Never rejects. */
  async send(): Promise<void> {
    const { kept, tooMany } = this.#claimed();
    const gone = new Map<string, GoneProcess>();
    const of = (boot: string): GoneProcess => {
      const known = gone.get(boot) ?? new GoneProcess(boot);
      gone.set(boot, known);
      return known;
    };
    for (const file of inOrder(tooMany)) {
      of(file.boot).gaveUp(this.#read(file));
      this.#remove(file);
    }
    for (const file of inOrder(kept)) {
      const content = this.#read(file);
      of(file.boot).left(content);
      this.#push(content);
      // One at a time, so that the sink has room.
      if (!(await this.#hasLeft())) return;
    }
    if (gone.size === 0) return;
    for (const process of gone.values()) {
      this.#sink.push(OPEN_KIND, writeOpenReport(process.report()), { rank: RANK });
    }
    if (!(await this.#hasLeft())) return;
    await sleep(SETTLE_MS);
    for (const file of kept) this.#remove(file);
  }

  #push({ messages }: SpoolContent): void {
    for (const { kind, body, spans, rank } of messages) {
      if (kind === OPEN_KIND) continue;
      this.#sink.push(kind, body, { rank, spans });
      this.spans += spans;
    }
  }

  async #hasLeft(): Promise<boolean> {
    while (!this.#stopped && (this.#sink.stats?.().waiting ?? 0) > 0) await sleep(POLL_MS);
    return !this.#stopped;
  }

  /** Files of the dead, which are this process's from now on. */
  #claimed(): { readonly kept: SpoolName[]; readonly tooMany: SpoolName[] } {
    const dead = this.#files().filter((file) => this.#isDead(file));
    const mine = dead.flatMap((file) => this.#claim(file) ?? []);
    const newestFirst = mine.toSorted((a, b) => this.#timeOf(b) - this.#timeOf(a));
    let bytes = 0;
    const isWithin = (file: SpoolName): boolean => {
      bytes += this.#stat(file)?.size ?? 0;
      return bytes <= LEFT_BYTES_MAX;
    };
    const { kept = [], tooMany = [] } = Object.groupBy(newestFirst, (file) =>
      isWithin(file) ? "kept" : "tooMany",
    );
    return { kept, tooMany };
  }

  #files(): SpoolName[] {
    try {
      return readdirSync(this.#folder).flatMap((name) => parseSpoolName(name) ?? []);
    } catch {
      return [];
    }
  }

  #isDead(file: SpoolName): boolean {
    if (file.boot === this.#own) return false;
    const isOld = Date.now() - this.#timeOf(file) > OLD_MS;
    return isOld || (file.host === HOST && (file.pid === process.pid || !isAlive(file.pid)));
  }

  /** Another process may be quicker. */
  #claim(file: SpoolName): SpoolName | undefined {
    const name = spoolName(file.boot, file.number);
    try {
      renameSync(join(this.#folder, file.name), join(this.#folder, name));
      return parseSpoolName(name);
    } catch {
      return undefined;
    }
  }

  /** A file that makes no sense is one of which nothing is whole. */
  #read(file: SpoolName): SpoolContent {
    try {
      return readSpool(readFileSync(join(this.#folder, file.name)));
    } catch {
      return { head: undefined, messages: [], tornBytes: this.#stat(file)?.size ?? 0 };
    }
  }

  #stat(file: SpoolName): { readonly size: number; readonly mtimeMs: number } | undefined {
    return statSync(join(this.#folder, file.name), { throwIfNoEntry: false });
  }

  #timeOf(file: SpoolName): number {
    return this.#stat(file)?.mtimeMs ?? 0;
  }

  #remove(file: SpoolName): void {
    rmSync(join(this.#folder, file.name), { force: true });
  }
}

/** By life, the files of each in the order in which they were written. */
const inOrder = (files: readonly SpoolName[]): SpoolName[] =>
  files.toSorted((a, b) => a.boot.localeCompare(b.boot) || a.number - b.number);

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, ms).unref());

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code === "EPERM";
  }
}
