import { CONSUMER, NONE } from "./node.ts";

/** What the critical path needs to know of spans: each before its children, siblings by start. */
export interface PathColumns {
  readonly parent: Int32Array;
  readonly below: Int32Array;
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
  /** NaN when nobody knows. */
  readonly awaitMs: Float64Array;
  readonly kind: Uint8Array;
}

/** Stretches of time in which the whole trace waited for one span: those of span `i` from `first[i]` to before `first[i + 1]`, by time. */
export interface Critical {
  readonly first: Int32Array;
  readonly fromMs: Float64Array;
  readonly toMs: Float64Array;
}

/**
 * What the length of a trace is made of, by time: walked back from the end of its longest root. Where
 * it is known how long a caller waited, only that time is the child's; else the child that ended last,
 * at the same time or before, was waited for from its start. Consumers and what goes on after its
 * parent were not waited for.
 * @param rootsEnd place after the last span that a root leads to
 */
export function criticalPath(spans: PathColumns, rootsEnd: number): Critical {
  const root = longestRoot(spans, rootsEnd);
  const way = new WayBack(spans);
  if (root !== NONE) way.goFrom(root);
  return way.parts();
}

function longestRoot({ parent, below, startMs, endMs }: PathColumns, end: number): number {
  let [longest, longestMs] = [NONE, Number.NEGATIVE_INFINITY];
  for (let at = 0; at < end; at += (below[at] as number) + 1) {
    const ms = (endMs[at] as number) - (startMs[at] as number);
    if (parent[at] === NONE && ms > longestMs) [longest, longestMs] = [at, ms];
  }
  return longest;
}

/** Goes back through a trace, with a stack of columns: a frame for each span that it is in. */
class WayBack {
  readonly #spans: PathColumns;
  /** Of each frame: its span, from when and until when it counts, and where its children begin among those left. */
  readonly #span: Int32Array;
  readonly #fromMs: Float64Array;
  readonly #untilMs: Float64Array;
  readonly #base: Int32Array;
  #frames = 0;
  /** Children of the frames that were not looked at, each frame's by end: the last one is next. */
  readonly #left: Int32Array;
  #leftEnd = 0;
  readonly #parts: Parts;

  constructor(spans: PathColumns) {
    const { length } = spans.parent;
    this.#spans = spans;
    this.#span = new Int32Array(length);
    this.#fromMs = new Float64Array(length);
    this.#untilMs = new Float64Array(length);
    this.#base = new Int32Array(length);
    this.#left = new Int32Array(length);
    this.#parts = new Parts(length);
  }

  goFrom(root: number): void {
    const { startMs, endMs } = this.#spans;
    this.#enter(root, startMs[root] as number, endMs[root] as number);
    while (this.#frames > 0) this.#advance(this.#frames - 1);
  }

  parts(): Critical {
    return this.#parts.bySpan();
  }

  #enter(span: number, fromMs: number, untilMs: number): void {
    const frame = this.#frames++;
    this.#span[frame] = span;
    this.#fromMs[frame] = fromMs;
    this.#untilMs[frame] = untilMs;
    this.#base[frame] = this.#leftEnd;
    this.#addChildren(span, this.#leftEnd);
  }

  #addChildren(span: number, base: number): void {
    const { below, kind, endMs } = this.#spans;
    const end = span + (below[span] as number);
    let isSorted = true;
    for (let at = span + 1, last = at; at <= end; at += (below[at] as number) + 1) {
      if (kind[at] === CONSUMER) continue;
      if ((endMs[at] as number) < (endMs[last] as number)) isSorted = false;
      this.#left[this.#leftEnd++] = last = at;
    }
    if (isSorted) return;
    const children = this.#left.subarray(base, this.#leftEnd);
    children.sort((a, b) => (endMs[a] as number) - (endMs[b] as number) || a - b);
  }

  /** Goes into the next child that was waited for, or leaves the span. */
  #advance(frame: number): void {
    const { startMs: starts, endMs: ends, awaitMs: awaits } = this.#spans;
    const [span, fromMs] = [this.#span[frame] as number, this.#fromMs[frame] as number];
    const untilMs = this.#untilMs[frame] as number;
    while (this.#leftEnd > (this.#base[frame] as number)) {
      const child = this.#left[--this.#leftEnd] as number;
      const [startMs, endMs] = [starts[child] as number, ends[child] as number];
      const awaitMs = awaits[child] as number;
      const waitedFromMs = Number.isNaN(awaitMs) ? startMs : endMs - awaitMs;
      const beginMs = Math.max(waitedFromMs, startMs, fromMs);
      if (endMs > untilMs || endMs <= beginMs) continue;
      this.#parts.add(span, endMs, untilMs);
      this.#untilMs[frame] = beginMs;
      this.#enter(child, beginMs, endMs);
      return;
    }
    this.#parts.add(span, fromMs, untilMs);
    this.#frames--;
  }
}

/** Parts as they are found: the last one first. */
class Parts {
  readonly #spans: number;
  readonly #span: Int32Array;
  readonly #fromMs: Float64Array;
  readonly #toMs: Float64Array;
  #count = 0;

  /** @param spans how many there are: each has a part at its end, and one before it is entered */
  constructor(spans: number) {
    this.#spans = spans;
    this.#span = new Int32Array(2 * spans);
    this.#fromMs = new Float64Array(2 * spans);
    this.#toMs = new Float64Array(2 * spans);
  }

  add(span: number, fromMs: number, toMs: number): void {
    if (toMs <= fromMs) return;
    const at = this.#count++;
    this.#span[at] = span;
    this.#fromMs[at] = fromMs;
    this.#toMs[at] = toMs;
  }

  bySpan(): Critical {
    const count = this.#count;
    const first = new Int32Array(this.#spans + 1);
    for (let i = 0; i < count; i++) {
      const after = (this.#span[i] as number) + 1;
      first[after] = (first[after] as number) + 1;
    }
    for (let i = 1; i < first.length; i++)
      first[i] = (first[i] as number) + (first[i - 1] as number);
    const next = first.slice();
    const [fromMs, toMs] = [new Float64Array(count), new Float64Array(count)];
    for (let i = count - 1; i >= 0; i--) {
      const span = this.#span[i] as number;
      const at = next[span] as number;
      next[span] = at + 1;
      fromMs[at] = this.#fromMs[i] as number;
      toMs[at] = this.#toMs[i] as number;
    }
    return { first, fromMs, toMs };
  }
}
