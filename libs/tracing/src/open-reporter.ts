import type { RowAttributes } from "./call-rows.ts";
import { nowMs } from "./clock.ts";
import { OPEN_KIND, type OpenReport, writeOpenReport } from "./open-report.ts";
import type { OpenSpans } from "./open-spans.ts";
import type { SpanSink } from "./outlet.ts";

/** Spans that are open for less are not told of, milliseconds. */
const AGE_MS_MIN = 1_000;
/** How often they are written into the spool, and from what age, milliseconds. */
const KEEP_EVERY_MS = 1_000;
const KEEP_AGE_MS_MIN = 200;
/** Dropped after spans without errors. */
const RANK = 2;

/** Of what a report tells. */
export interface OpenReporterOptions {
  readonly resource: RowAttributes;
  readonly boot: string;
  readonly spans: OpenSpans;
  readonly sink: SpanSink;
  readonly everyMs: number;
  /** Keeps it for the next process, when there is a spool. */
  readonly keep?: ((report: Uint8Array | undefined) => void) | undefined;
}

/**
 * Tells every few seconds which spans have not ended, as long as there are any, and once more when there are none: so a
 * collector knows unfinished work and, when the reports stop, that their process is gone.
 */
export class OpenReporter implements Disposable {
  readonly #options: OpenReporterOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #keeping: NodeJS.Timeout | undefined;
  #hasTold = false;
  /** What was kept last, as far as it takes to see a difference. */
  #kept = "";

  constructor(options: OpenReporterOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.tell("alive"), options.everyMs).unref();
    if (options.keep === undefined) return;
    this.#keeping = setInterval(() => this.keep(KEEP_AGE_MS_MIN), KEEP_EVERY_MS).unref();
  }

  /** What there is to tell now. */
  #report(state: OpenReport["state"], ageMs: number): OpenReport {
    const { resource, boot, spans, everyMs } = this.#options;
    const atMs = nowMs();
    return {
      resource,
      boot,
      state,
      atMs,
      everyMs,
      open: spans.count,
      spans: spans.since(atMs - ageMs),
    };
  }

  /** Tells it, unless there is nothing and was nothing before. */
  tell(state: OpenReport["state"]): void {
    // At the end everything that is open stays so for ever, however young.
    const ageMs = state === "gone" ? 0 : Math.min(AGE_MS_MIN, this.#options.everyMs);
    const report = this.#report(state, ageMs);
    const hasSpans = report.spans.length > 0;
    if (hasSpans || this.#hasTold) {
      this.#options.sink.push(OPEN_KIND, writeOpenReport(report), { rank: RANK });
    }
    this.#hasTold = hasSpans;
  }

  /** Writes what has been open for `ageMs` into the spool, unless that is there. */
  keep(ageMs: number): void {
    const { keep } = this.#options;
    if (keep === undefined) return;
    const report = this.#report("alive", ageMs);
    const { spans } = report;
    const kept = `${spans.length} ${spans.reduce((sum, { startMs }) => sum + startMs, 0)}`;
    if (kept === this.#kept) return;
    this.#kept = kept;
    keep(spans.length === 0 ? undefined : writeOpenReport(report));
  }

  /** Tells what stays open for ever. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    clearInterval(this.#keeping);
    this.tell("gone");
  }
}
