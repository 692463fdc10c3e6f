/**
 * What a socket may do in one turn of the event loop. zeromq.js answers at once when it can, and
 * promises that are already settled keep timers and other sockets waiting for ever (trap 5).
 */
const OPERATIONS_MAX = 256;
/** Milliseconds of one turn that handling what a socket received may take. */
const TURN_MS_MAX = 2;
/** So many operations are free; only then is it watched whether the turn ends by itself. */
const OPERATIONS_FREE = 4;

/** Counts the operations of one direction of a socket since a turn was seen to end. */
export class Turn {
  #operations = 0;
  #startMs = 0;

  /** True when this turn has done its share. */
  get spent(): boolean {
    return this.#operations >= OPERATIONS_MAX;
  }

  /** True when it has, or when it has lasted too long already. */
  get over(): boolean {
    if (this.#operations < OPERATIONS_FREE) return false;
    return this.spent || performance.now() - this.#startMs > TURN_MS_MAX;
  }

  /** Counts one operation. */
  count(): void {
    if (++this.#operations !== OPERATIONS_FREE) return;
    this.#startMs = performance.now();
    setImmediate(this.#end);
  }

  readonly #end = (): void => {
    this.#operations = 0;
  };
}

/** Resolves after timers and sockets had their turn. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
