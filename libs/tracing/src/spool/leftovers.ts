import { readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { OPEN_KIND, type OpenReport, readOpenReport, writeOpenReport } from "../open-report.ts";
import type { SpanSink } from "../outlet.ts";
import { HOST, parseSpoolName, type SpoolName, spoolName } from "./names.ts";
import { readSpool, type SpoolContent, type SpoolHead } from "./record.ts";

/** Who has not written for so long is taken to be gone, also when another process has its number. */
const OLD_MS = 10 * 60_000;
/** Bytes of files that are sent; of more the oldest are given up, and counted. */
const LEFT_BYTES_MAX = 64 * 1024 * 1024;
const POLL_MS = 100;
/** What was given to the network is safe after so long. */
const SETTLE_MS = 1_000;
/** Dropped after spans without errors. */
const RANK = 2;

interface Life {
  readonly boot: string;
  readonly files: SpoolName[];
}

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
    for (const life of lives(kept)) await this.#sendLife(life, tooMany);
  }

  async #sendLife({ boot, files }: Life, tooMany: readonly SpoolName[]): Promise<void> {
    const givenUp = tooMany.filter((file) => file.boot === boot).map((file) => this.#giveUp(file));
    const gone: Gone = {
      head: undefined,
      givenUp: givenUp.reduce((sum, spans) => sum + spans, 0),
      dropped: 0,
      bytes: 0,
      sinceMs: 0,
      open: undefined,
    };
    for (const file of files) {
      const content = this.#read(file);
      if (content === undefined) continue;
      for (const { kind, body, spans, rank } of content.messages) {
        if (kind === OPEN_KIND) continue;
        this.#sink.push(kind, body, { rank, spans });
        this.spans += spans;
      }
      take(gone, content);
      // One at a time, so that the sink has room.
      if (!(await this.#hasLeft())) return;
    }
    const report = reportOf(gone, boot);
    if (report !== undefined) this.#sink.push(OPEN_KIND, writeOpenReport(report), { rank: RANK });
    if (!(await this.#hasLeft())) return;
    await sleep(SETTLE_MS);
    for (const file of files) this.#remove(file);
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

  #read(file: SpoolName): SpoolContent | undefined {
    try {
      return readSpool(readFileSync(join(this.#folder, file.name)));
    } catch {
      return undefined;
    }
  }

  /** @returns how many spans are lost with it */
  #giveUp(file: SpoolName): number {
    const { messages = [] } = this.#read(file) ?? {};
    this.#remove(file);
    return messages.reduce((sum, { spans }) => sum + spans, 0);
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
const lives = (files: readonly SpoolName[]): Life[] =>
  [...Map.groupBy(files, ({ boot }) => boot)].map(([boot, own]) => ({
    boot,
    files: own.toSorted((a, b) => a.number - b.number),
  }));

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

/** What is known of a process that was killed. */
interface Gone {
  head: SpoolHead | undefined;
  /** Spans of files that were too many here. */
  readonly givenUp: number;
  /** Spans that it had no room for itself. */
  dropped: number;
  bytes: number;
  sinceMs: number;
  open: OpenReport | undefined;
}

function take(gone: Gone, { head, messages, tornBytes }: SpoolContent): void {
  gone.head ??= head;
  // Rises from file to file.
  gone.dropped = Math.max(gone.dropped, head?.dropped ?? 0);
  gone.bytes += tornBytes;
  for (const { kind, body, atMs } of messages) {
    gone.sinceMs = Math.max(gone.sinceMs, atMs);
    if (kind === OPEN_KIND) gone.open = readOpenReport(body);
  }
}

function reportOf(
  { head, givenUp, dropped, bytes, sinceMs, open }: Gone,
  boot: string,
): OpenReport | undefined {
  if (head === undefined) return undefined;
  const { resource } = head;
  const spans = open?.spans ?? [];
  const hole = { spans: givenUp + dropped, bytes, sinceMs };
  return {
    resource,
    boot,
    state: "gone",
    atMs: sinceMs,
    everyMs: 0,
    open: spans.length,
    spans,
    hole,
  };
}
