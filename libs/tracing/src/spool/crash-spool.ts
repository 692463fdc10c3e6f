import type { RowAttributes } from "../call-rows.ts";
import type { SpanSink } from "../outlet.ts";
import { Leftovers } from "./leftovers.ts";
import { Spool } from "./spool.ts";
import { SpooledSink } from "./spooled-sink.ts";

/** Whose spool it is, and where. */
export interface CrashSpoolOptions {
  readonly folder: string;
  readonly resource: RowAttributes;
  readonly boot: string;
  readonly sink: SpanSink;
}

/** What a spool has done. */
export interface SpoolStats {
  /** Bytes in its files. */
  readonly bytes: number;
  /** Spans of its files that were given up for want of room before they were sent. */
  readonly dropped: number;
  /** Spans that could not be written. */
  readonly failed: number;
  /** Spans of processes that were killed, sent by this one. */
  readonly recovered: number;
}

/** Keeps what was given to the sink until it has left, sends what processes before this one have left, and cleans up. */
export class CrashSpool {
  readonly sink: SpooledSink;
  readonly #spool: Spool;
  readonly #leftovers: Leftovers;

  constructor({ folder, resource, boot, sink }: CrashSpoolOptions) {
    this.#spool = new Spool({ folder, about: { resource, boot } });
    this.sink = new SpooledSink(sink, this.#spool);
    this.#leftovers = new Leftovers(folder, boot, sink);
    void this.#leftovers.send();
  }

  get stats(): SpoolStats {
    const { bytes, dropped, failed } = this.#spool;
    return { bytes, dropped, failed, recovered: this.#leftovers.spans };
  }

  /** @param hasLeft true when nothing needs to be kept for the next process */
  close(hasLeft: boolean): void {
    this.#leftovers.stop();
    this.sink[Symbol.dispose]();
    if (hasLeft) this.#spool.clear();
    else this.#spool[Symbol.dispose]();
  }
}
