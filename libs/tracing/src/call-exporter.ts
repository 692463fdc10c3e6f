import type { Resource } from "@opentelemetry/resources";
import { CALLS_KIND, CallRows, type RowAttributes } from "./call-rows.ts";
import type { CallSpan } from "./call-span.ts";
import { syncClock } from "./clock.ts";
import type { SpanOutlet } from "./outlet.ts";

const BATCH_CALLS = 4_096;
const FLUSH_MS = 200;

/** Sends calls that need no more than their name and times, in batches of up to 4 096 or 200 ms. */
export class CallExporter {
  readonly #outlet: SpanOutlet;
  readonly #resource: RowAttributes;
  readonly #rows = new CallRows(BATCH_CALLS);
  /** Number of the batch that is being written. */
  #batch = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(outlet: SpanOutlet, resource: Resource) {
    this.#outlet = outlet;
    this.#resource = resource.attributes as RowAttributes;
  }

  add(call: CallSpan): void {
    call.row = this.#rows.write(call);
    if (call.row < 0) {
      this.flush();
      call.row = this.#rows.write(call);
    }
    call.batch = this.#batch;
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS).unref();
  }

  /** Corrects the row of `call`, unless it has left. */
  correct(call: CallSpan): void {
    if (call.batch === this.#batch) this.#rows.correct(call.row, call.split);
  }

  /** Hands over what there is. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { count } = this.#rows;
    if (count === 0) return;
    this.#batch++;
    syncClock();
    this.#outlet.pass(CALLS_KIND, this.#rows.take(this.#resource), count);
  }
}
