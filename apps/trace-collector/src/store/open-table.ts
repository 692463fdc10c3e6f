import type { OpenReport } from "@zeroplane/tracing/wire";
import { originOf } from "../ingest/origins.ts";
import type { DecodedSpan } from "../span.ts";
import { type Boot, type HeldSpan, OpenFile } from "./open-file.ts";

/** Spans that are held; what is more is counted and not shown. */
const HELD_MAX = 50_000;
/** A process that has not been heard of for so many times its own interval is gone. */
const SILENT_REPORTS = 3;
const SILENT_MS_MIN = 2_000;

interface Process extends Boot {
  /** When it was heard of, by the clock here. */
  heardMs: number;
  readonly spans: Map<string, HeldSpan>;
}

/** Counts of spans that have not ended. */
export interface OpenCounts {
  readonly open: number;
  /** Of processes that are gone: they never end. */
  readonly lost: number;
  /** Those that there was no room for. */
  readonly openForgotten: number;
}

/**
 * Spans that have not ended, by what their processes say: each report replaces the one before. They stay in a file beside
 * the partitions until they end or are too old; those of a process that is silent or gone are lost.
 */
export class OpenTable implements Disposable {
  readonly #file: OpenFile;
  readonly #isStored: (span: HeldSpan) => boolean;
  readonly #processes = new Map<string, Process>();
  /** Whose a span is, by its id. */
  readonly #owners = new Map<string, Process>();
  #forgotten = 0;

  /** @param isStored tells whether a span has ended: a process that was killed does not know */
  constructor(data: string, isStored: (span: HeldSpan) => boolean) {
    this.#file = new OpenFile(data);
    this.#isStored = isStored;
    for (const { boot, spans } of this.#file.load()) {
      const process = { ...boot, heardMs: Date.now(), spans: new Map<string, HeldSpan>() };
      this.#processes.set(boot.boot, process);
      for (const span of spans) this.#hold(process, span);
    }
  }

  get counts(): OpenCounts {
    let [open, lost] = [0, 0];
    for (const { isLost, spans } of this.#processes.values()) {
      if (isLost) lost += spans.size;
      else open += spans.size;
    }
    return { open, lost, openForgotten: this.#forgotten };
  }

  /** A process tells which of its spans are open. */
  report(report: OpenReport, nowMs: number): void {
    const { boot, atMs, everyMs, hole } = report;
    const { service, node } = originOf(report.resource);
    const isLost = report.state === "gone";
    const about: Boot = { boot, service, node, seenMs: atMs, everyMs, isLost };
    this.#file.change(() => {
      if (hole !== undefined) this.#file.addHole(about, hole, nowMs);
      this.#replace(about, spansOf(report, isLost ? this.#isStored : never), nowMs);
    });
  }

  /** Spans have ended. @returns true when one of them was held */
  ended(spans: readonly DecodedSpan[]): boolean {
    if (this.#owners.size === 0) return false;
    const known = spans.filter(({ spanId }) => this.#owners.has(spanId.toString("latin1")));
    if (known.length === 0) return false;
    this.#file.change(() => {
      for (const { spanId } of known) this.#release(spanId.toString("latin1"));
    });
    return true;
  }

  /** Finds out who is gone, and lets go of what began before `oldestMs`. @returns true when something changed */
  tick(nowMs: number, oldestMs: number): boolean {
    const silent = [...this.#processes.values()].filter(
      ({ isLost, heardMs, everyMs }) =>
        !isLost && nowMs - heardMs > Math.max(SILENT_REPORTS * everyMs, SILENT_MS_MIN),
    );
    const old = [...this.#owners].filter(
      ([key, { isLost, spans }]) => isLost && (spans.get(key)?.startMs ?? 0) < oldestMs,
    );
    if (silent.length + old.length === 0) return false;
    this.#file.change(() => {
      for (const process of silent) {
        process.isLost = true;
        this.#file.saveBoot(process);
      }
      for (const [key] of old) this.#release(key);
    });
    return true;
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #replace(about: Boot, spans: readonly HeldSpan[], nowMs: number): void {
    const known = this.#processes.get(about.boot);
    const process: Process = known ?? { ...about, heardMs: nowMs, spans: new Map() };
    Object.assign(process, about, { heardMs: nowMs });
    const open = new Set(spans.map(keyOf));
    for (const key of process.spans.keys()) if (!open.has(key)) this.#release(key);
    const fresh = spans.filter((span) => !process.spans.has(keyOf(span)));
    for (const span of fresh) {
      if (this.#owners.size >= HELD_MAX) this.#forgotten++;
      else {
        this.#hold(process, span);
        this.#file.addSpan(about.boot, span);
      }
    }
    if (process.spans.size === 0) return;
    this.#processes.set(about.boot, process);
    this.#file.saveBoot(process);
  }

  #hold(process: Process, span: HeldSpan): void {
    const key = keyOf(span);
    // Whoever tells of a span last has it: ids are random, and a process has them to itself.
    this.#release(key);
    process.spans.set(key, span);
    this.#owners.set(key, process);
  }

  #release(key: string): void {
    const process = this.#owners.get(key);
    if (process === undefined) return;
    this.#owners.delete(key);
    process.spans.delete(key);
    this.#file.removeSpan(Buffer.from(key, "latin1"));
    if (process.spans.size > 0) return;
    this.#processes.delete(process.boot);
    this.#file.removeBoot(process.boot);
  }
}

const never = (): boolean => false;

const keyOf = ({ spanId }: HeldSpan): string => Buffer.from(spanId).toString("latin1");

const spansOf = ({ spans }: OpenReport, isStored: (span: HeldSpan) => boolean): HeldSpan[] =>
  spans.filter((span) => !isStored(span));
