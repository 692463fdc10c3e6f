import { currentCall } from "@zeroplane/rpc";
import { isWanted, type LedgerEntry, type LogEntry, type LogQuery } from "./log-entry.ts";
import type { LogStore } from "./log-store.ts";

/** Which lines to show, and from where on. */
export interface TailQuery extends LogQuery {
  /** Lines of the past to begin with (default 100, at most 10 000). */
  readonly lines?: number;
  /** Go on with new lines as they come (default false). */
  readonly follow?: boolean;
  /** Only lines after this number: to go on after a break. */
  readonly afterSeq?: number;
}

interface Reader {
  readonly query: LogQuery;
  waiting: LogEntry[];
  skipped: number;
  wake: (() => void) | undefined;
}

const LINES = 100;
const LINES_MAX = 10_000;
/** New lines that may wait for a reader who is slower than they come. */
const WAITING_MAX = 10_000;

/** Name of the method by which the intake tells {@link Logs} of new lines. */
export const stored: unique symbol = Symbol("stored");

/** The lines of every process and app of this platform. */
export class Logs {
  readonly #store: LogStore;
  readonly #ledger: () => LedgerEntry[];
  readonly #readers = new Set<Reader>();

  constructor(store: LogStore, ledger: () => LedgerEntry[]) {
    this.#store = store;
    this.#ledger = ledger;
  }

  /**
   * Lines of the past and, with `follow`, new ones as they come, each once and in order. A reader
   * who is too slow gets a line that says how many it has missed.
   */
  async *tail(query: TailQuery = {}): AsyncGenerator<LogEntry> {
    const { lines = LINES, follow = false, afterSeq = 0, ...wanted } = query;
    const reader: Reader = { query: wanted, waiting: [], skipped: 0, wake: undefined };
    // From here on new lines wait, so that none is missed while the past is read.
    if (follow) this.#readers.add(reader);
    const signal = currentCall()?.signal;
    const aborted = (): void => reader.wake?.();
    signal?.addEventListener("abort", aborted, { once: true });
    try {
      let last = afterSeq;
      for (const entry of this.#store.newest(wanted, afterSeq, Math.min(lines, LINES_MAX))) {
        last = entry.seq;
        yield entry;
      }
      while (follow && signal?.aborted !== true) {
        for (const entry of take(reader)) {
          if (entry.seq > last) yield entry;
          last = Math.max(last, entry.seq);
        }
        if (reader.waiting.length > 0) continue;
        await new Promise<void>((resolve) => {
          reader.wake = resolve;
        });
      }
    } finally {
      this.#readers.delete(reader);
      signal?.removeEventListener("abort", aborted);
    }
  }

  /** What came, what was stored and what was lost, by process. */
  ledger(): LedgerEntry[] {
    return this.#ledger();
  }

  /** For the intake: new lines were stored. Hidden from callers by its symbol. */
  [stored](entries: readonly LogEntry[]): void {
    for (const reader of this.#readers) {
      for (const entry of entries) {
        if (!isWanted(reader.query, entry.topic, entry.traceId)) continue;
        if (reader.waiting.length < WAITING_MAX) reader.waiting.push(entry);
        else reader.skipped++;
      }
      reader.wake?.();
    }
  }
}

/** What waits for a reader, and a line for what it has missed. */
function take(reader: Reader): LogEntry[] {
  const entries = reader.waiting;
  const last = entries.at(-1);
  reader.waiting = [];
  if (reader.skipped > 0 && last !== undefined) {
    const text = `${reader.skipped} lines skipped: this reader is too slow`;
    entries.push({ ...last, stream: "log", level: 40, text });
    reader.skipped = 0;
  }
  return entries;
}
