/** Between two looks at the loop, milliseconds: what it is late by less is not seen. */
const TICK_MS = 20;
/** A timer is late by this much without anything being wrong. */
const USUAL_MS = 2;

/**
 * Tells how long what is handled now has waited in this process: for the event loop (`lagMs`), and for what was
 * handled before it in the same turn of the loop (`queuedMs`). Lag is a lower bound, to 20 ms: a timer that the loop was late
 * for. It wakes the process 50 times a second.
 */
export class LoopClock implements Disposable {
  readonly #timer: NodeJS.Timeout;
  /** When the timer is due. */
  #dueMs = performance.now() + TICK_MS;
  /** By how much it was late; only until the messages that waited meanwhile are taken. */
  #lateMs = 0;
  /** When the first message of this turn was taken; 0 between turns. */
  #turnMs = 0;
  #turnLagMs = 0;

  constructor() {
    this.#timer = setInterval(this.#tick, TICK_MS).unref();
  }

  /** How late the loop was when this turn's messages were taken; right after {@link queuedMs}. */
  get lagMs(): number {
    return this.#turnLagMs;
  }

  /** How long a message that is handled at `atMs`, by `performance.now()`, has waited for those before it. */
  queuedMs(atMs: number): number {
    if (this.#turnMs === 0) {
      this.#turnMs = atMs;
      const overdueMs = atMs - this.#dueMs;
      const lateMs = Math.max(this.#lateMs, overdueMs);
      this.#turnLagMs = lateMs > USUAL_MS ? lateMs : 0;
      // Runs when the loop has handled everything that it found.
      setImmediate(this.#endTurn);
    }
    return atMs - this.#turnMs;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  readonly #endTurn = (): void => {
    this.#turnMs = 0;
  };

  readonly #tick = (): void => {
    const nowMs = performance.now();
    const lateMs = nowMs - this.#dueMs;
    this.#dueMs = nowMs + TICK_MS;
    if (lateMs <= USUAL_MS) return;
    // With an immediate pending, the loop takes what has come and does not wait for more.
    this.#lateMs = lateMs;
    setImmediate(() => {
      this.#lateMs = 0;
    });
  };
}
