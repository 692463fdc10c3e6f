import type { PipeClass } from "@zeroplane/patterns";
import { nowMs } from "../clock.ts";
import { OPEN_KIND } from "../open-report.ts";
import type { SpanSink } from "../outlet.ts";
import type { SpoolMessage } from "./record.ts";
import type { Spool } from "./spool.ts";

const SETTLE_EVERY_MS = 1_000;

/** Gives messages to a sink, and writes them into a spool as well: one write for all of a turn of the loop. */
export class SpooledSink implements SpanSink, Disposable {
  readonly #sink: SpanSink;
  readonly #spool: Spool;
  #turn: SpoolMessage[] = [];
  #writing: NodeJS.Immediate | undefined;
  #settling: NodeJS.Timeout | undefined;

  constructor(sink: SpanSink, spool: Spool) {
    this.#sink = sink;
    this.#spool = spool;
  }

  push(
    kind: string,
    body: Uint8Array,
    { rank = 0, spans = 0 }: { readonly rank?: PipeClass; readonly spans?: number } = {},
  ): void {
    // Before this one: what has left by now was all that there was.
    if (this.stats().waiting === 0) this.#spool.left();
    this.#sink.push(kind, body, { rank, spans });
    this.#keep({ kind, body, rank, spans, atMs: nowMs() });
  }

  /** Writes what has not ended, for the next process. */
  keepOpen(body: Uint8Array | undefined): void {
    const about = { kind: OPEN_KIND, spans: 0, rank: 0, atMs: nowMs() } as const;
    this.#spool.writeOpen(body && { ...about, body });
    if (body !== undefined) this.#watch();
  }

  #keep(message: SpoolMessage): void {
    this.#turn.push(message);
    this.#watch();
    this.#writing ??= setImmediate(() => this.write());
  }

  #watch(): void {
    this.#settling ??= setInterval(() => this.#settle(), SETTLE_EVERY_MS).unref();
  }

  stats(): { readonly waiting: number } {
    return this.#sink.stats?.() ?? { waiting: 0 };
  }

  /** Writes what has not been written. */
  write(): void {
    clearImmediate(this.#writing);
    this.#writing = undefined;
    const turn = this.#turn;
    this.#turn = [];
    if (turn.length > 0) this.#spool.write(turn);
  }

  [Symbol.dispose](): void {
    this.write();
    clearInterval(this.#settling);
    this.#settling = undefined;
  }

  #settle(): void {
    if (this.stats().waiting === 0) this.#spool.left();
    if (!this.#spool.settle()) return;
    clearInterval(this.#settling);
    this.#settling = undefined;
  }
}
