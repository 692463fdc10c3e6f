import type { RowAttributes } from "./call-rows.ts";
import { nowMs } from "./clock.ts";
import { OPEN_KIND, type OpenReport, writeOpenReport } from "./open-report.ts";
import type { OpenSpans } from "./open-spans.ts";
import type { SpanSink } from "./outlet.ts";

/** Spans that are open for less are not told of, milliseconds. */
const AGE_MS_MIN = 1_000;
/** Dropped after spans without errors. */
const RANK = 2;

/** Of what a report tells. */
export interface OpenReporterOptions {
  readonly resource: RowAttributes;
  readonly boot: string;
  readonly spans: OpenSpans;
  readonly sink: SpanSink;
  readonly everyMs: number;
}

/**
 * Tells every few seconds which spans have not ended, as long as there are any, and once more when there are none: so a
 * collector knows unfinished work and, when the reports stop, that their process is gone.
 */
export class OpenReporter implements Disposable {
  readonly #options: OpenReporterOptions;
  readonly #timer: NodeJS.Timeout;
  #hasTold = false;

  constructor(options: OpenReporterOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.tell("alive"), options.everyMs).unref();
  }

  /** What there is to tell now. */
  report(state: OpenReport["state"]): OpenReport {
    const { resource, boot, spans, everyMs } = this.#options;
    const atMs = nowMs();
    // At the end everything that is open stays so for ever, however young.
    const ageMs = state === "gone" ? 0 : Math.min(AGE_MS_MIN, everyMs);
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
    const report = this.report(state);
    const hasSpans = report.spans.length > 0;
    if (hasSpans || this.#hasTold) {
      this.#options.sink.push(OPEN_KIND, writeOpenReport(report), { rank: RANK });
    }
    this.#hasTold = hasSpans;
  }

  /** Tells what stays open for ever. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.tell("gone");
  }
}
