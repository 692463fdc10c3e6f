import type { Resource } from "@opentelemetry/resources";
import type { CallSpan } from "./call-span.ts";
import { syncClock } from "./clock.ts";
import type { SpanOutlet } from "./outlet.ts";
import { attribute, field, head } from "./protobuf.ts";
import { SCOPE } from "./span.ts";
import { SpanWriter } from "./span-writer.ts";

const BATCH_BYTES = 256 * 1024;
const FLUSH_MS = 200;
const SCOPE_FIELD = field(1, field(1, SCOPE));

/** Sends calls that need no more than their name and times, in batches of up to 256 KiB or 200 ms. */
export class CallExporter {
  readonly #outlet: SpanOutlet;
  readonly #resource: Buffer;
  readonly #writer = new SpanWriter(BATCH_BYTES);
  #timer: NodeJS.Timeout | undefined;

  constructor(outlet: SpanOutlet, resource: Resource) {
    this.#outlet = outlet;
    const known = Object.entries(resource.attributes);
    this.#resource = field(
      1,
      ...known.map(([key, value]) => attribute(1, key, value as string | number)),
    );
  }

  add(span: CallSpan): void {
    if (!this.#writer.write(span)) {
      this.flush();
      this.#writer.write(span);
    }
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS).unref();
  }

  /** Hands over what there is. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { count } = this.#writer;
    if (count === 0) return;
    syncClock();
    const spans = this.#writer.take();
    const encode = (): Buffer => this.#request(spans);
    this.#outlet.send({ spans: count, hasErrors: false, encode });
  }

  /** `spans` with what stands before them: only the heads of the fields around are made anew. */
  #request(spans: Buffer): Buffer {
    const scopeSpans = head(2, SCOPE_FIELD.length + spans.length);
    const length = this.#resource.length + scopeSpans.length + SCOPE_FIELD.length + spans.length;
    return Buffer.concat([head(1, length), this.#resource, scopeSpans, SCOPE_FIELD, spans]);
  }
}
