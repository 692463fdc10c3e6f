import { PatternError } from "../errors.ts";
import type { JobStore } from "./store.ts";

/** What a {@link Turn} runs. */
export interface TurnParts {
  readonly store: JobStore;
  /** Last changes of a turn, before it is made safe. @returns true when there is more to do */
  readonly last: () => boolean;
  /** The turn is safe: the world may see it. */
  readonly safe: () => void;
  /** The turn could not be made safe: nothing of it has happened. */
  readonly undone: (error: PatternError) => void;
}

/** All changes of one turn of the event loop as one transaction. */
export class Turn {
  readonly #parts: TurnParts;
  #isOpen = false;
  #timer: NodeJS.Immediate | undefined;
  #ended = false;

  constructor(parts: TurnParts) {
    this.#parts = parts;
  }

  /** Runs `change` in the transaction of this turn. @throws what it throws */
  run<T>(change: () => T): T {
    try {
      this.#open();
      this.wake();
      return change();
    } catch (error) {
      if (isOfStore(error)) this.#undo(error);
      throw error;
    }
  }

  /** There is something to do at the end of this turn. */
  wake(): void {
    if (!this.#ended) this.#timer ??= setImmediate(() => this.commit());
  }

  /** Ends this turn now. */
  commit(): void {
    clearImmediate(this.#timer);
    this.#timer = undefined;
    let isMore = false;
    try {
      this.#open();
      isMore = this.#parts.last();
      this.#parts.store.commit();
    } catch (error) {
      if (!isOfStore(error)) throw error;
      this.#undo(error);
      return;
    }
    this.#isOpen = false;
    this.#parts.safe();
    if (isMore) this.wake();
  }

  /** No more turns. */
  end(): void {
    this.#ended = true;
    clearImmediate(this.#timer);
    this.#timer = undefined;
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#parts.store.begin();
    this.#isOpen = true;
  }

  #undo(error: PatternError): void {
    this.#isOpen = false;
    this.#parts.store.rollback();
    this.#parts.undone(error);
  }
}

const isOfStore = (error: unknown): error is PatternError =>
  error instanceof PatternError && (error.code === "ERR_STORE" || error.code === "ERR_STORE_FULL");
