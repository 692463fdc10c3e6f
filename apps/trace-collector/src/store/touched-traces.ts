import { TraceIds } from "./trace-ids.ts";

const FIRST_ROOM = 1_024;
const NOTHING = -1;

/** A trace of which spans have come. */
export interface Touched {
  readonly traceId: Buffer;
  /** Batches that brought spans of it. */
  readonly batches: number;
  /** Starts of its spans. */
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Traces of which spans have come, the longest quiet first. They are numbers in tables: strings and objects that live
 * for seconds would cost more than all that is done with them.
 */
export class TouchedTraces {
  #room = FIRST_ROOM;
  readonly #ids = new TraceIds(FIRST_ROOM);
  #batches = new Float64Array(FIRST_ROOM);
  #lastMs = new Float64Array(FIRST_ROOM);
  #fromMs = new Float64Array(FIRST_ROOM);
  #toMs = new Float64Array(FIRST_ROOM);
  /** Neighbours by quiet; the one after a free place is the next free one. */
  #before = new Float64Array(FIRST_ROOM);
  #after = new Float64Array(FIRST_ROOM);
  #first = NOTHING;
  #last = NOTHING;
  #free = NOTHING;
  size = 0;

  /** When the one that is quiet for the longest was touched; infinite when there is none. */
  get quietSinceMs(): number {
    return this.#first === NOTHING ? Number.POSITIVE_INFINITY : this.#of(this.#lastMs, this.#first);
  }

  /** A span of a trace has come, with the batch of `nowMs`. */
  touch(traceId: Uint8Array, startMs: number, nowMs: number): void {
    const known = this.#ids.placeOf(traceId);
    const at = known === NOTHING ? this.#add(traceId, startMs) : known;
    if (startMs < this.#of(this.#fromMs, at)) this.#fromMs[at] = startMs;
    if (startMs > this.#of(this.#toMs, at)) this.#toMs[at] = startMs;
    if (known !== NOTHING) {
      if (this.#lastMs[at] === nowMs) return;
      this.#unlink(at);
    }
    this.#append(at);
    this.#batches[at] = this.#of(this.#batches, at) + 1;
    this.#lastMs[at] = nowMs;
  }

  /** Takes out the one that is quiet for the longest. */
  shift(): Touched | undefined {
    const at = this.#first;
    if (at === NOTHING) return undefined;
    const traceId = this.#ids.idAt(at);
    this.#ids.remove(at);
    this.#unlink(at);
    this.#after[at] = this.#free;
    this.#free = at;
    this.size--;
    const [batches, fromMs, toMs] = [this.#batches, this.#fromMs, this.#toMs].map((of) =>
      this.#of(of, at),
    ) as [number, number, number];
    return { traceId, batches, fromMs, toMs };
  }

  #of(column: Float64Array, at: number): number {
    return column[at] as number;
  }

  #add(traceId: Uint8Array, startMs: number): number {
    if (this.size === this.#room) this.#grow();
    const isNew = this.#free === NOTHING;
    const at = isNew ? this.size : this.#free;
    if (!isNew) this.#free = this.#of(this.#after, at);
    this.#ids.add(traceId, at);
    this.#batches[at] = 0;
    this.#fromMs[at] = startMs;
    this.#toMs[at] = startMs;
    this.size++;
    return at;
  }

  #append(at: number): void {
    this.#before[at] = this.#last;
    this.#after[at] = NOTHING;
    if (this.#last === NOTHING) this.#first = at;
    else this.#after[this.#last] = at;
    this.#last = at;
  }

  #unlink(at: number): void {
    const [before, after] = [this.#of(this.#before, at), this.#of(this.#after, at)];
    if (before === NOTHING) this.#first = after;
    else this.#after[before] = after;
    if (after === NOTHING) this.#last = before;
    else this.#before[after] = before;
  }

  #grow(): void {
    this.#ids.grow(this.#room);
    this.#room *= 2;
    this.#batches = doubled(this.#batches);
    this.#lastMs = doubled(this.#lastMs);
    this.#fromMs = doubled(this.#fromMs);
    this.#toMs = doubled(this.#toMs);
    this.#before = doubled(this.#before);
    this.#after = doubled(this.#after);
  }
}

function doubled(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * column.length);
  larger.set(column);
  return larger;
}
