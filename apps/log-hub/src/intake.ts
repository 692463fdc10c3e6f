import type { Gap, Origin } from "@zeroplane/patterns";
import type { LedgerEntry, LogEntry } from "./log-entry.ts";
import type { IncomingLine, LogStore } from "./log-store.ts";

const WINDOW_MS = 20;
const BATCH_MAX = 2_000;
const TRIM_EVERY = 500;
const WARN = 40;

interface Account {
  received: number;
  stored: number;
  duplicates: number;
  lost: number;
}

/**
 * Takes lines as they come and stores what 20 ms bring in one transaction. Whatever cannot be had
 * any more stands in the store as a line of its own.
 */
export class Intake implements AsyncDisposable {
  readonly #store: LogStore;
  readonly #onStored: (entries: readonly LogEntry[]) => void;
  readonly #accounts = new Map<string, Account>();
  #batch: IncomingLine[] = [];
  #timer: NodeJS.Timeout | undefined;
  #flushes = 0;

  /** @param onStored hears of new lines once they are stored */
  constructor(store: LogStore, onStored: (entries: readonly LogEntry[]) => void) {
    this.#store = store;
    this.#onStored = onStored;
  }

  add(line: IncomingLine): void {
    this.#account(line.node).received++;
    this.#push(line);
  }

  /** Some lines of a process are gone: that is said in a line. */
  gap({ from, to, node, epoch }: Gap & Origin): void {
    const count = to - from + 1;
    this.#account(node).lost += count;
    const text = `${count} line${count > 1 ? "s" : ""} of ${node} lost (numbers ${from} to ${to})`;
    const value = { stream: "log", level: WARN, text } as const;
    this.#push({ topic: `service.gap.${node}`, node, epoch, seq: to, atMs: Date.now(), value });
  }

  /** What came, what was stored, what was lost: by process. */
  ledger(): LedgerEntry[] {
    return [...this.#accounts].map(([node, account]) => ({ node, ...account }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#flush();
  }

  #push(line: IncomingLine): void {
    this.#batch.push(line);
    if (this.#batch.length >= BATCH_MAX) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), WINDOW_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    const entries = this.#store.add(batch);
    for (const { node } of batch) this.#account(node).duplicates++;
    for (const { node } of entries) {
      const account = this.#account(node);
      account.stored++;
      account.duplicates--;
    }
    if (++this.#flushes % TRIM_EVERY === 0) this.#store.trim();
    this.#onStored(entries);
  }

  #account(node: string): Account {
    const known = this.#accounts.get(node) ?? { received: 0, stored: 0, duplicates: 0, lost: 0 };
    this.#accounts.set(node, known);
    return known;
  }
}
