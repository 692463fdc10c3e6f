/** How much a message matters when there is no room: lower goes first. */
export type PipeClass = 0 | 1 | 2 | 3;

/** A message that waits. */
export interface Waiting {
  readonly kind: string;
  readonly body: Uint8Array;
  readonly rank: PipeClass;
}

/** The next message to send, with what its head says. */
export interface Outgoing extends Waiting {
  readonly seq: number;
  /** Messages dropped so far. */
  readonly dropped: number;
}

/** What waits at the sending end of a pipe, bounded: the oldest of the lowest class goes first. */
export class PipeCore {
  readonly #bytesMax: number;
  #waiting: Waiting[] = [];
  /** Messages at the front of `#waiting` that were sent already. */
  #done = 0;
  #seq = 0;
  readonly #dropped: [number, number, number, number] = [0, 0, 0, 0];
  waitingBytes = 0;

  /** @param bytesMax bytes of bodies that may wait */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Messages that were sent. */
  get sent(): number {
    return this.#seq;
  }

  /** Messages that wait. */
  get waiting(): number {
    return this.#waiting.length - this.#done;
  }

  /** Messages that were dropped, by class. */
  get dropped(): readonly number[] {
    return [...this.#dropped];
  }

  /** Keeps a message until it can go; others, or it itself, go when there is no room. */
  push(message: Waiting): void {
    if (message.body.length > this.#bytesMax) {
      // Nothing else is to make room for what can have none.
      this.#dropped[message.rank]++;
      return;
    }
    this.#waiting.push(message);
    this.waitingBytes += message.body.length;
    if (this.waitingBytes > this.#bytesMax) this.#makeRoom();
  }

  /** Takes the next message. It is sent, or given back with {@link refused}. */
  take(): Outgoing | undefined {
    const next = this.#waiting[this.#done];
    if (next === undefined) return undefined;
    this.#done++;
    this.waitingBytes -= next.body.length;
    // Moving all of the rest for each message would cost more than sending it.
    if (this.#done > this.#waiting.length / 2) this.#compact();
    const dropped = this.#dropped.reduce((sum, count) => sum + count, 0);
    return { ...next, seq: this.#seq + 1, dropped };
  }

  /** What was taken has gone. */
  accepted(): void {
    this.#seq++;
  }

  /** What was taken could not go: it is the next again, as far as there is room. */
  refused({ kind, body, rank }: Outgoing): void {
    this.#compact();
    this.#waiting.unshift({ kind, body, rank });
    this.waitingBytes += body.length;
    if (this.waitingBytes > this.#bytesMax) this.#makeRoom();
  }

  #compact(): void {
    this.#waiting.splice(0, this.#done);
    this.#done = 0;
  }

  #makeRoom(): void {
    this.#compact();
    for (const rank of [0, 1, 2, 3] as const) {
      if (this.waitingBytes <= this.#bytesMax) return;
      this.#waiting = this.#waiting.filter((each) => {
        if (this.waitingBytes <= this.#bytesMax || each.rank !== rank) return true;
        this.waitingBytes -= each.body.length;
        this.#dropped[rank]++;
        return false;
      });
    }
  }
}
