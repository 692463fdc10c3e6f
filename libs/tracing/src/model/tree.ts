import { type Critical, criticalPath } from "./critical-path.ts";
import { LOST, NONE } from "./node.ts";
import { selfTimes } from "./self-time.ts";

/** Spans of a trace in the order of their starts, a column for each of their properties. */
export interface SpanColumns {
  /** Milliseconds from any zero. */
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
  /** How long the caller waited (`zp.await_ns`); NaN when nobody knows. */
  readonly awaitMs: Float64Array;
  /** As in OTLP. */
  readonly kind: Uint8Array;
  /** Place of the parent among these, or `NONE`, `LOST`, `DOUBLE`. */
  readonly parents: Int32Array;
}

/** Spans in the order of a tree, each before what is below it, siblings by start; a column for each property. */
export interface SpanTree {
  /** Place of each among those that were given. */
  readonly order: Int32Array;
  /** Place of the parent in this order, -1 for a root. */
  readonly parent: Int32Array;
  readonly depth: Int32Array;
  /** Spans below it, at any depth: they follow it directly. */
  readonly below: Int32Array;
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
  /** Duration without the time in which a child ran. */
  readonly selfMs: Float64Array;
  /** What the whole trace waited for. */
  readonly critical: Critical;
  /** Spans whose parent has not come. */
  readonly orphans: number;
  /** Spans that were their own ancestors, and are roots here. */
  readonly cycles: number;
}

/**
 * Puts the spans of a trace into their places, with their self times and the critical path. Columns, since
 * an object for each span costs more than all the rest; without recursion: depth has no limit.
 */
export function treeOf(columns: SpanColumns): SpanTree {
  const { order, parent, depth, cycles, firstCycle } = placed(columns.parents);
  const sorted = <Column extends Float64Array | Uint8Array>(from: Column, to: Column): Column => {
    for (let i = 0; i < order.length; i++) to[i] = from[order[i] as number] as number;
    return to;
  };
  const count = order.length;
  const startMs = sorted(columns.startMs, new Float64Array(count));
  const endMs = sorted(columns.endMs, new Float64Array(count));
  const awaitMs = sorted(columns.awaitMs, new Float64Array(count));
  const kind = sorted(columns.kind, new Uint8Array(count));
  const below = belowOf(parent);
  const timed = { parent, below, startMs, endMs, awaitMs, kind };
  return {
    order,
    parent,
    depth,
    below,
    startMs,
    endMs,
    cycles,
    selfMs: selfTimes(timed),
    critical: criticalPath(timed, firstCycle),
    orphans: countOf(columns.parents, LOST),
  };
}

function belowOf(parent: Int32Array): Int32Array {
  const below = new Int32Array(parent.length);
  for (let i = parent.length - 1; i >= 0; i--) {
    const above = parent[i] as number;
    if (above !== NONE) below[above] = (below[above] as number) + (below[i] as number) + 1;
  }
  return below;
}

function countOf(values: Int32Array, wanted: number): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (values[i] === wanted) count++;
  return count;
}

interface Placed {
  readonly order: Int32Array;
  readonly parent: Int32Array;
  readonly depth: Int32Array;
  readonly cycles: number;
  /** Place of the first span that goes round in a circle, or the end. */
  readonly firstCycle: number;
}

function placed(parents: Int32Array): Placed {
  const walk = new Walk(parents);
  for (let i = 0; i < parents.length; i++)
    if (parents[i] === NONE || parents[i] === LOST) walk.from(i);
  const firstCycle = walk.count;
  let cycles = 0;
  // What no root leads to goes round in a circle: it is cut at its first span.
  for (let i = 0; i < parents.length; i++) {
    if (walk.hasSeen(i) || (parents[i] as number) < 0) continue;
    cycles++;
    walk.from(i);
  }
  return { ...walk.places(), cycles, firstCycle };
}

/** Goes through spans, each before its children. */
class Walk {
  count = 0;
  readonly #parents: Int32Array;
  /** Children as lists, the last one first: what is taken from the end of a stack comes in the order of starts. */
  readonly #last: Int32Array;
  readonly #before: Int32Array;
  /** Place in the order of each, or -1. */
  readonly #placeOf: Int32Array;
  readonly #stack: Int32Array;
  readonly #order: Int32Array;
  readonly #parent: Int32Array;
  readonly #depth: Int32Array;

  constructor(parents: Int32Array) {
    const { length } = parents;
    this.#parents = parents;
    this.#last = new Int32Array(length).fill(NONE);
    this.#before = new Int32Array(length).fill(NONE);
    this.#placeOf = new Int32Array(length).fill(NONE);
    // A circle comes back to where it was cut.
    this.#stack = new Int32Array(length + 1);
    this.#order = new Int32Array(length);
    this.#parent = new Int32Array(length);
    this.#depth = new Int32Array(length);
    for (let i = 0; i < length; i++) {
      const parent = parents[i] as number;
      if (parent < 0) continue;
      this.#before[i] = this.#last[parent] as number;
      this.#last[parent] = i;
    }
  }

  hasSeen(at: number): boolean {
    return this.#placeOf[at] !== NONE;
  }

  /** Takes `root` and everything below it. */
  from(root: number): void {
    const stack = this.#stack;
    let size = 0;
    stack[size++] = root;
    while (size > 0) {
      const at = stack[--size] as number;
      if (this.hasSeen(at)) continue;
      this.#take(at, at === root ? NONE : (this.#placeOf[this.#parents[at] as number] as number));
      for (
        let child = this.#last[at] as number;
        child !== NONE;
        child = this.#before[child] as number
      )
        stack[size++] = child;
    }
  }

  places(): Pick<Placed, "order" | "parent" | "depth"> {
    const cut = (column: Int32Array): Int32Array => column.subarray(0, this.count);
    return { order: cut(this.#order), parent: cut(this.#parent), depth: cut(this.#depth) };
  }

  #take(at: number, parent: number): void {
    const place = this.count++;
    this.#placeOf[at] = place;
    this.#order[place] = at;
    this.#parent[place] = parent;
    this.#depth[place] = parent === NONE ? 0 : (this.#depth[parent] as number) + 1;
  }
}
