import { Thread } from "../store/thread.ts";
import type { TraceStore } from "../store/trace-store.ts";
import type { TeeOptions, TeeStats } from "./tee.ts";
import type { TeeMethods } from "./tee-thread.ts";

/** Messages that may wait for the thread. */
const WAITING_MAX = 256;

/** Sends everything that a store takes on to a backend, in a thread of its own. */
export class TeeRoad implements AsyncDisposable {
  readonly #thread: Thread<TeeMethods>;
  readonly #following: Disposable;
  #behind = 0;
  #broken = 0;

  constructor(store: TraceStore, options: TeeOptions) {
    this.#thread = new Thread(new URL("./tee-thread.ts", import.meta.url), options);
    this.#following = store.follow((message) => {
      if (this.#thread.waiting >= WAITING_MAX) this.#behind++;
      else this.#thread.ask("take", message).catch(() => this.#broken++);
    });
  }

  async stats(): Promise<TeeStats> {
    const stats = await this.#thread.ask("stats");
    const dropped = { ...stats.dropped };
    if (this.#behind > 0) dropped["behind"] = this.#behind;
    if (this.#broken > 0) dropped["broken"] = this.#broken;
    return { ...stats, dropped };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#following[Symbol.dispose]();
    await this.#thread[Symbol.asyncDispose]();
  }
}
