import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { Traceparent } from "@zeroplane/link";
import { CallExporter } from "./call-exporter.ts";
import { CallObserver } from "./call-observer.ts";
import type { RowAttributes } from "./call-rows.ts";
import type { CallSpan } from "./call-span.ts";
import { PipeSpanProcessor } from "./exporter.ts";
import { LoopClock } from "./loop-clock.ts";
import { OpenReporter } from "./open-reporter.ts";
import { OpenSpans } from "./open-spans.ts";
import { SpanOutlet, type SpanSink } from "./outlet.ts";
import { SpanWindow } from "./span-window.ts";
import type { CrashSpool } from "./spool/crash-spool.ts";

/** How spans are recorded. */
export interface RecorderOptions {
  readonly resource: Resource;
  /** Names this life of the process. */
  readonly boot: string;
  readonly sink: SpanSink;
  readonly spool: CrashSpool | undefined;
  readonly openEveryMs: number;
}

/** From the begin of a span to its way into the sink: calls, other spans, and what has not ended. */
export class Recorder implements Disposable {
  readonly outlet: SpanOutlet;
  readonly processor: PipeSpanProcessor;
  readonly clock = new LoopClock();
  readonly #resource: Resource;
  readonly #spool: CrashSpool | undefined;
  readonly #open = new OpenSpans();
  readonly #calls: CallExporter;
  readonly #reporter: OpenReporter;
  #window: SpanWindow | undefined;

  constructor({ resource, boot, sink, spool, openEveryMs }: RecorderOptions) {
    this.#resource = resource;
    this.#spool = spool;
    const to = spool?.sink ?? sink;
    this.outlet = new SpanOutlet(to);
    const onEnded = (span: ReadableSpan): void => this.#window?.otherEnded(span);
    this.processor = new PipeSpanProcessor(this.outlet, this.#open, onEnded);
    this.#calls = new CallExporter(this.outlet, resource);
    this.#reporter = new OpenReporter({
      resource: resource.attributes as RowAttributes,
      boot,
      spans: this.#open,
      sink,
      everyMs: openEveryMs,
      keep: spool && ((report) => spool.sink.keepOpen(report)),
    });
  }

  /** @param here where the running code is in its trace */
  observer(sampleRatio: number, here: () => Traceparent | undefined): CallObserver {
    const sink = {
      plain: (span: CallSpan): void => {
        this.#window?.callEnded(span);
        this.#calls.add(span);
      },
      full: (span: ReadableSpan): void => this.processor.onEnd(span),
      awaitedLate: (span: CallSpan): void => this.#calls.correct(span),
    };
    const { clock } = this;
    return new CallObserver({
      resource: this.#resource,
      sampleRatio,
      here,
      clock,
      open: this.#open,
      sink,
    });
  }

  /** Collects which spans are open from now on; one window at a time, the one before ends. */
  watch(): SpanWindow {
    this.#window = new SpanWindow(this.#open);
    return this.#window;
  }

  unwatch(): void {
    this.#window = undefined;
  }

  /** Resolves once everything ended so far was given to the sink. */
  async flush(): Promise<void> {
    this.#calls.flush();
    await this.processor.forceFlush();
  }

  /** Gives everything to the sink, and into the spool, before it returns. */
  flushNow(): void {
    this.#calls.flush();
    this.processor.flushNow();
    this.#reporter.keep(0);
    this.#spool?.sink.write();
  }

  /** Tells what stays open for ever; to be called when everything was flushed. */
  [Symbol.dispose](): void {
    this.clock[Symbol.dispose]();
    this.#reporter[Symbol.dispose]();
  }
}
