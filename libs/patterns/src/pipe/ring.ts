/** How much a message matters when there is no room: lower goes first. */
export type PipeClass = 0 | 1 | 2 | 3;

/** One message that waits. */
export interface Waiting {
  readonly kind: string;
  readonly body: Uint8Array;
  readonly rank: PipeClass;
  readonly order: number;
}

/** Counted for each message beside its body, so that many small ones are bounded as well. */
export const OVERHEAD_BYTES = 64;
/** Larger ones are dropped, and counted as such. */
export const BODY_BYTES_MAX = 8 * 1024 * 1024;
const RANKS = [0, 1, 2, 3] as const;

/**
 * What waits to be sent, at most so many bytes: the oldest of the lowest class goes when there is
 * no room. Adding and taking cost the same however much waits.
 */
export class Ring {
  readonly dropped: [number, number, number, number] = [0, 0, 0, 0];
  readonly #bytesMax: number;
  readonly #queues = RANKS.map(() => new Queue());
  #bytes = 0;
  #count = 0;
  #order = 0;

  /** @param bytesMax of bodies, and 64 for each message */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#count;
  }

  /** Adds a message; older and lower ones, or itself, may be dropped for it. */
  push(kind: string, body: Uint8Array, rank: PipeClass): void {
    if (body.length > BODY_BYTES_MAX || body.length + OVERHEAD_BYTES > this.#bytesMax) {
      // Nothing else is to make room for what can have none.
      this.dropped[rank]++;
      return;
    }
    this.#queues[rank]?.push({ kind, body, rank, order: this.#order++ });
    this.#count++;
    this.#bytes += body.length + OVERHEAD_BYTES;
    while (this.#bytes > this.#bytesMax) this.#drop();
  }

  /** Takes the oldest, of whatever class. */
  take(): Waiting | undefined {
    let oldest: Queue | undefined;
    for (const queue of this.#queues) {
      const { first } = queue;
      if (first && first.order < (oldest?.first?.order ?? Number.POSITIVE_INFINITY)) oldest = queue;
    }
    return oldest && this.#shift(oldest);
  }

  #drop(): void {
    for (const rank of RANKS) {
      const queue = this.#queues[rank];
      if (queue?.first === undefined) continue;
      this.#shift(queue);
      this.dropped[rank]++;
      return;
    }
  }

  #shift(queue: Queue): Waiting | undefined {
    const taken = queue.shift();
    if (taken !== undefined) {
      this.#bytes -= taken.body.length + OVERHEAD_BYTES;
      this.#count--;
    }
    return taken;
  }
}

const COMPACT_AT = 1_024;

/** First in, first out, without moving the rest each time. */
class Queue {
  #items: (Waiting | undefined)[] = [];
  #from = 0;

  get first(): Waiting | undefined {
    return this.#items[this.#from];
  }

  push(item: Waiting): void {
    this.#items.push(item);
  }

  shift(): Waiting | undefined {
    const item = this.#items[this.#from];
    if (item === undefined) return undefined;
    this.#items[this.#from++] = undefined;
    if (this.#from >= COMPACT_AT && this.#from * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#from);
      this.#from = 0;
    }
    return item;
  }
}
